// Filters of the page of claims, and its charts; without this file the page shows every claim.
document.addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector(".claims-form");
  if (!form) return;
  const rows = [...document.querySelectorAll("table.claims tbody tr")];
  const status = form.querySelector("output");
  const names = ["study", "topic", "verdict"];

  const show = () => {
    const words = form.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const counts = new Map();
    let shown = 0;
    for (const row of rows) {
      const fits = names.every((name) => !form[name].value || row.dataset[name] === form[name].value);
      row.hidden = !(fits && words.every((word) => row.textContent.toLowerCase().includes(word)));
      if (row.hidden) continue;
      shown += 1;
      counts.set(row.dataset.verdict, (counts.get(row.dataset.verdict) || 0) + 1);
    }
    const parts = [...counts].map(([verdict, count]) => `${count} ${verdict}`).join(", ");
    status.value = `${shown} of ${rows.length} claims${parts ? `: ${parts}` : ""}`;
    const chosen = new URLSearchParams(new FormData(form));
    for (const [name, value] of [...chosen]) if (!value) chosen.delete(name);
    history.replaceState(null, "", chosen.size ? `#${chosen}` : location.pathname.split("/").pop() + location.search);
  };

  const asked = new URLSearchParams(location.hash.slice(1));
  for (const name of [...names, "words"]) if (asked.has(name)) form[name].value = asked.get(name);
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  if (asked.size) show(); else status.value = `${rows.length} claims`;

  const drawn = [...document.querySelectorAll("script[data-chart]")].map((script) => {
    const name = script.dataset.chart;
    const specification = JSON.parse(script.textContent);
    specification.autosize = { type: "fit-x", contains: "padding" };
    // What can be chosen stands beside the chart, which screen readers may take for one thing.
    const options = { actions: false, bind: `#choice-${name}`, renderer: "svg", logLevel: 1 };
    return window.vegaEmbed(`#chart-${name}`, specification, options);
  });
  if (asked.size) Promise.all(drawn).then(() => form.scrollIntoView());
});
