// Sets the colours before the first paint. Kept apart and not a module, so that it runs at once.
(() => {
  const kept = localStorage.getItem("ffhost.theme");
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
})();
