"""An order's life: the table of its states, the open orders, and their ids."""
