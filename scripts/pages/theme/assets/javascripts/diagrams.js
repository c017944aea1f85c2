// What the theme's styles of diagrams miss in this version of Mermaid: arrows of sequences, which
// are dark on dark, and the lines of those who take part in them, which are purple.
const { initialize } = mermaid;
const missed = `
  [id$="arrowhead"] path { fill: var(--md-mermaid-sequence-message-line-color); stroke: none; }
  .actor-line { stroke: var(--md-default-fg-color--lighter) !important; stroke-width: 1px; }
`;
mermaid.initialize = (options) =>
  initialize({ ...options, themeCSS: options.themeCSS + missed });
