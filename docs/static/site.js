// What is too wide for its place scrolls there, by keys too: it can have the focus while it is too wide, and only then.
document.addEventListener("DOMContentLoaded", () => {
  const wide = (entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  };
  const watched = new ResizeObserver(wide);
  for (const place of document.querySelectorAll("pre, .math, .table-wrapper")) watched.observe(place);
});
