(() => {
  "use strict";
  const page = JSON.parse(document.getElementById("charts").textContent);
  const small = matchMedia("(max-width: 760px)");
  for (const chart of Object.values(page.figures)) chart.data = rows(chart.data);
  const boxes = [...document.querySelectorAll(".filter input")];
  const views = new Map();
  const tooltip = { disableDefaultStyle: true, theme: "page" };

  // Data come by column, repeated values once.
  function rows(table) {
    const columns = Object.entries(table).map(([name, column]) =>
      [name, Array.isArray(column) ? column : column.at.map((place) => column.of[place])]);
    return columns[0][1].map((_, row) => Object.fromEntries(columns.map(([name, values]) => [name, values[row]])));
  }

  const brushed = "customers"; // The map, whose box the other charts follow.
  const note = document.querySelector(".boxed");
  let inside = null; // The segments in the box on the map; null while there is none.

  const checked = () => boxes.filter((box) => box.checked).map((box) => box.value);

  // What each chart shows in full strength; the map itself has its box.
  const shown = (name) => (inside && name !== brushed ? checked().filter((one) => inside.has(one)) : checked());

  function follow(box) {
    const sides = Object.entries(box);
    const within = (row) => sides.every(([field, ends]) => row[field] >= Math.min(...ends) && row[field] <= Math.max(...ends));
    inside = sides.length ? new Set(page.figures[brushed].data.filter(within).map((row) => row.segment)) : null;
    note.textContent = inside
      ? `${inside.size} of ${boxes.length} segments ${inside.size === 1 ? "is" : "are"} inside the box on the map; the charts fade the others.` : "";
    filterAll();
  }

  async function draw(name) {
    const chart = page.figures[name];
    const place = document.querySelector(`.chart[data-name="${name}"]`);
    const spec = { ...(small.matches ? chart.narrow : chart.wide), datasets: { [name]: chart.data } };
    views.get(name)?.finalize();
    const picture = document.createElement("div");
    picture.setAttribute("aria-hidden", "true"); // The place around it is the image and has its description.
    place.replaceChildren(picture);
    const made = await vegaEmbed(picture, spec, {
      actions: false, ast: true, config: page.config, defaultStyle: false, renderer: "svg", tooltip,
    });
    views.set(name, made.view);
    if (name === brushed && note) {
      if (inside) follow({}); // Drawn anew it has no box.
      made.view.addSignalListener("brush", (_, box) => follow(box));
    }
    filter(name);
  }

  function filter(name) {
    const asked = (page.figures[name].wide.params ?? []).some((one) => one.name === "shown");
    if (asked && boxes.length) views.get(name).signal("shown", shown(name)).runAsync();
  }

  function filterAll() {
    for (const name of views.keys()) filter(name);
  }

  let turn = 0;
  let narrow = null;
  async function drawAll() {
    if (small.matches === narrow) return;
    narrow = small.matches;
    const mine = ++turn;
    document.documentElement.dataset.drawn = "no";
    for (const name of Object.keys(page.figures)) {
      if (mine !== turn) return;
      try {
        await draw(name);
      } catch (error) {
        const place = document.querySelector(`.chart[data-name="${name}"]`);
        place.textContent = "This chart could not be drawn; its table is below.";
        console.error(name, error);
      }
    }
    document.documentElement.dataset.drawn = "yes";
  }

  const bar = document.querySelector(".filter");
  if (bar) bar.hidden = false;
  for (const hint of document.querySelectorAll(".hint")) hint.hidden = false;
  for (const box of boxes) box.addEventListener("change", filterAll);
  small.addEventListener("change", drawAll);
  drawAll();
})();
