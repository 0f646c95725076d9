for (const figure of document.querySelectorAll("figure.chart")) {
  const points = JSON.parse(figure.querySelector("script").textContent);
  const svg = figure.querySelector("svg");
  const cursor = figure.querySelector(".cursor");
  const moment = figure.querySelector("time");
  const values = figure.querySelectorAll("figcaption b");
  const show = (event) => {
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    let at = points.x.findIndex((each) => each >= x);
    if (at < 0) at = points.x.length - 1;
    if (at > 0 && x - points.x[at - 1] < points.x[at] - x) at -= 1;
    cursor.setAttribute("x1", points.x[at]);
    cursor.setAttribute("x2", points.x[at]);
    cursor.style.visibility = "visible";
    moment.textContent = points.time[at];
    values.forEach((value, row) => { value.textContent = points.values[row][at]; });
  };
  const hide = () => {
    cursor.style.visibility = "hidden";
    moment.textContent = "";
    values.forEach((value) => { value.textContent = ""; });
  };
  svg.addEventListener("pointermove", show);
  svg.addEventListener("pointerleave", hide);
}
