"""Journals in SQL databases, through SQLAlchemy Core."""
