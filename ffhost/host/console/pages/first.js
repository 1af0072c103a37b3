// Runs before anything else: sets the colours, and asks for what the first page shows while its
// modules are still on their way. Not a module, so that it runs at once.
(() => {
  const theme = localStorage.getItem("ffhost.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;

  const kept = sessionStorage.getItem("ffhost.credentials");
  const headers = { Accept: "application/json", ...(kept && Object.fromEntries([JSON.parse(kept)])) };
  const listsFunctions = /^(#\/?((functions|calls|events)\/?(\?.*)?)?)?$/.test(location.hash);
  const paths = listsFunctions ? ["session", "functions"] : ["session"];
  /** Answers by address, each to be used once; null where the server does not answer. */
  globalThis.asked = new Map(paths.map((path) => {
    const address = `/console/api/${path}`;
    return [address, fetch(address, { cache: "no-store", headers }).catch(() => null)];
  }));
})();
