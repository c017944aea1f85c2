// Tables whose rows stay the same elements from one snapshot to the next.
class Table {
  // columns: [heading, what it shows of an item, whether that is a number]; the first names the row.
  constructor(title, columns) {
    this.columns = columns;
    this.rows = new Map();
    this.body = element("tbody", { role: "rowgroup" });
    const id = title.toLowerCase().replaceAll(" ", "-");
    const heads = columns.map(([name, , isNumber]) =>
      element("th", { role: "columnheader", scope: "col", ...(isNumber ? { class: "number" } : {}) }, name));
    // The roles are said because a narrow screen shows tables as blocks, which would not have them.
    this.section = element("section", { "aria-labelledby": id, hidden: "" },
      element("h2", { id }, title),
      element("table", { role: "table", "aria-labelledby": id },
        element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...heads)),
        this.body));
  }

  show(items, now) {
    const rows = items.map(([key, item]) => this.row(key, item, now));
    this.rows = new Map(rows);
    setChildren(this.body, rows.map(([, row]) => row));
    this.section.hidden = rows.length === 0;
  }

  row(key, item, now) {
    const row = this.rows.get(key) ?? element("tr", { role: "row" });
    setChildren(row, this.columns.map((column, index) => this.cell(column, index, item, now, key)));
    return [key, row];
  }

  cell([name, shown, isNumber], index, item, now, key) {
    const content = [shown(item, now, key)].flat();
    if (index === 0) return element("th", { role: "rowheader", scope: "row" }, ...content);
    return element("td", { role: "cell", "data-label": name, ...(isNumber ? { class: "number" } : {}) }, ...content);
  }
}
