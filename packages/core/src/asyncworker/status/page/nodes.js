// Elements: whatever comes from an app becomes text, never HTML.
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter(child => child !== null));
  return made;
}

function byId(id) {
  return document.getElementById(id);
}

// What did not change stays as it is: a selection in it, and what a screen reader reads of it.
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function setChildren(parent, children) {
  children.forEach((child, index) => {
    const old = parent.children[index];
    if (old === undefined) parent.append(child);
    else if (old !== child && !old.isEqualNode(child)) old.replaceWith(child);
  });
  while (parent.children.length > children.length) parent.lastElementChild.remove();
}
