// What a reader would see of the page that is open now.
() => {
  const width = document.documentElement.clientWidth;
  const box = (element) => element.getBoundingClientRect();
  const scrolls = (element) => {
    for (let one = element; one && one !== document.body; one = one.parentElement) {
      if (["auto", "scroll"].includes(getComputedStyle(one).overflowX)) return true;
    }
    return false;
  };
  const hasText = (element) =>
    [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  const isCut = (element) =>
    hasText(element) && box(element).width && box(element).right > width + 1 && !scrolls(element);
  const isDrawn = (host) => {
    const svg = host.shadowRoot?.querySelector("svg");
    if (!svg || svg.getAttribute("aria-roledescription") === "error") return false;
    return box(svg).width > 0 && box(svg).height > 0;
  };
  const article = document.querySelector("article") ?? document.body;
  return {
    scheme: document.body.dataset.mdColorScheme ?? "",
    width: document.documentElement.scrollWidth,
    cut: [...article.querySelectorAll("*")]
      .filter(isCut)
      .map((one) => one.textContent.trim().slice(0, 40)),
    lost: [...document.images].filter((one) => !one.naturalWidth).map((one) => one.src),
    drawn: [...document.querySelectorAll("div.mermaid")].filter(isDrawn).length,
  };
}
