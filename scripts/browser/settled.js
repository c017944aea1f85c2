// Whether the theme's scripts have done what they do to each page: its diagrams, its search.
(diagrams) => {
  const config = document.getElementById("__config");
  const search = document.querySelector(".md-search-result__meta");
  const ready = config && JSON.parse(config.textContent).translations["search.result.placeholder"];
  const searches = !config || !search || search.textContent.trim() === ready;
  return searches && document.querySelectorAll("div.mermaid").length >= diagrams;
}
