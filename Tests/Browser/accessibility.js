// What can be told of a page's accessibility by looking at it: a list of sentences, empty where nothing is wrong.

const wrong = [];
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const words = (text) => (text ?? "").replace(/\s+/g, " ").trim();
const seen = (e) => e.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true });
const where = (e) => {
  const tag = e.cloneNode(false).outerHTML ?? e.nodeName;
  return `${tag.slice(0, 140)} “${words(e.textContent).slice(0, 40)}”`;
};
const say = (rule, e) => wrong.push(e ? `${rule}: ${where(e)}` : rule);

// Names, as a screen reader makes them, but without the rarer rules.

const spoken = (node) => {
  if (node.nodeType === Node.TEXT_NODE) return node.nodeValue;
  if (node.nodeType !== Node.ELEMENT_NODE || node.getAttribute("aria-hidden") === "true") return "";
  if (node.hasAttribute("aria-label")) return node.getAttribute("aria-label");
  if (node.nodeName === "IMG") return node.alt;
  if (node.nodeName === "TEMPLATE" || node.nodeName === "SCRIPT") return "";
  return [...node.childNodes].map(spoken).join(" ");
};
const byIDs = (e, attribute) => (e.getAttribute(attribute) ?? "").split(/\s+/).filter(Boolean);
const nameOf = (e) => {
  const labelledBy = byIDs(e, "aria-labelledby").map((id) => document.getElementById(id)).filter(Boolean);
  if (labelledBy.length > 0) return words(labelledBy.map(spoken).join(" "));
  if (e.hasAttribute("aria-label")) return words(e.getAttribute("aria-label"));
  if (e.labels?.length > 0) return words([...e.labels].map(spoken).join(" "));
  if (e.matches("input, select, textarea")) return words(e.title);
  return words(spoken(e)) || words(e.title);
};

// The document

const html = document.documentElement;
if (document.doctype?.name !== "html") say("no doctype");
if (!/^[a-z]{2}/.test(html.lang)) say("no lang");
if (!words(document.title)) say("no title");
if (all("h1").filter(seen).length !== 1) say(`${all("h1").filter(seen).length} times h1`);
let level = 0;
for (const heading of all("h1, h2, h3, h4, h5, h6").filter((e) => seen(e) && e.closest("main"))) {
  const own = Number(heading.nodeName[1]);
  if (own > level + 1) say(`h${own} after h${level}`, heading);
  if (!words(spoken(heading))) say("heading without words", heading);
  level = own;
}
if (all("main").length !== 1) say("not one main");
if (all("body > header").length !== 1) say("not one banner");
const landmarks = all("nav, section[aria-label], section[aria-labelledby], [role=region], [role=search], form[aria-label]");
const names = landmarks.filter(seen).map((e) => `${e.nodeName} ${nameOf(e)}`);
for (const e of landmarks) if (!nameOf(e)) say("landmark without a name", e);
for (const e of all("nav")) if (!nameOf(e)) say("nav without a name", e);
for (const name of new Set(names)) if (names.filter((other) => other === name).length > 1) say(`two landmarks: ${name}`);
for (const node of document.body.children) {
  const isOutside = !node.matches("main, header, footer, nav, script, template, .skip, [role=status], [role=alert]");
  if (isOutside && words(spoken(node))) say("text outside of all landmarks", node);
}

// Ids and what refers to them

const ids = all("[id]").map((e) => e.id);
for (const id of new Set(ids)) if (ids.filter((other) => other === id).length > 1) say(`id twice: ${id}`);
for (const attribute of ["aria-labelledby", "aria-describedby", "aria-controls"]) {
  for (const e of all(`[${attribute}]`)) {
    for (const id of byIDs(e, attribute)) if (!document.getElementById(id)) say(`${attribute} leads nowhere`, e);
  }
}
for (const label of all("label")) if (!label.control) say("label of nothing", label);
for (const link of all('a[href^="#"]')) {
  if (!document.getElementById(decodeURIComponent(link.hash.slice(1)))) say("link leads nowhere", link);
}

// Names of what can be used

for (const e of all("input:not([type=hidden]), select, textarea")) {
  if (!e.closest("template, [aria-hidden=true]") && !nameOf(e)) say("control without a label", e);
}
for (const e of all("a[href], button, summary")) {
  if (!e.closest("template, [aria-hidden=true]") && !nameOf(e)) say("without a name", e);
  const isNested = e.parentElement.closest("a[href], button, summary, label");
  if (isNested && e.nodeName !== "INPUT") say("inside of another control", e);
  // A name that is not what can be read is of no use to those who speak to their computer.
  const visible = words(e.innerText).toLowerCase();
  if (seen(e) && e.hasAttribute("aria-label") && /[a-z]/.test(visible) && !nameOf(e).toLowerCase().includes(visible)) {
    say(`what is read is not in its name “${nameOf(e)}”`, e);
  }
}
for (const e of all("img")) if (!e.hasAttribute("alt")) say("image without alt", e);
for (const e of all("svg")) {
  const isNamed = e.getAttribute("role") === "img" && nameOf(e);
  if (e.getAttribute("aria-hidden") !== "true" && !isNamed) say("picture without a name", e);
}
for (const e of all("fieldset")) if (!words(one("legend", e))) say("fieldset without a legend", e);
function one(selector, root) { return root.querySelector(`:scope > ${selector}`)?.textContent; }
for (const e of all("[tabindex]")) if (e.tabIndex > 0) say("tabindex above 0", e);
for (const e of all("[aria-hidden=true]")) {
  const focusable = [e, ...all("a[href], button, input, select, textarea, [tabindex]", e)].find((x) => x.tabIndex >= 0);
  if (focusable && seen(focusable)) say("hidden, but takes the focus", focusable);
}
for (const e of all("main [tabindex='0']")) if (!nameOf(e) && !e.matches("a, button, summary")) say("stop without a name", e);
for (const e of all("main *").filter(seen)) {
  const style = getComputedStyle(e);
  const scrolls = /auto|scroll/.test(style.overflowX) && e.scrollWidth > e.clientWidth + 1;
  if (scrolls && !e.matches("textarea, input, select") && e.tabIndex < 0) say("scrolls, but not by keyboard", e);
}
for (const e of all("[aria-invalid=true]")) if (!e.hasAttribute("aria-describedby")) say("wrong, but does not say why", e);

// Tables and lists

for (const table of all("table").filter((e) => !e.closest("template"))) {
  const heads = all("th", table);
  if (heads.length === 0) say("table without heads", table);
  for (const head of heads) {
    if (!["col", "row", "colgroup", "rowgroup"].includes(head.scope)) say("th without scope", head);
    if (!words(spoken(head))) say("th without words", head);
  }
  const widths = new Set([...table.rows].map((row) => [...row.cells].reduce((sum, cell) => sum + cell.colSpan, 0)));
  if (widths.size > 1) say(`rows of ${[...widths].join(" and ")} cells`, table);
}
for (const list of all("ul, ol")) {
  for (const child of list.children) if (child.nodeName !== "LI") say(`${child.nodeName} in a list`, list);
}
for (const item of all("li")) if (!item.parentElement.matches("ul, ol, menu")) say("li outside of a list", item);
for (const term of all("dt, dd")) if (!term.closest("dl")) say("dt or dd outside of a dl", term);

// Colours

const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
const colours = new Map();
const rgba = (text) => {
  if (!colours.has(text)) {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    colours.set(text, [r, g, b, a / 255]);
  }
  return colours.get(text);
};
const over = (top, bottom, alpha = 1) => {
  const a = top[3] * alpha;
  return [0, 1, 2].map((i) => top[i] * a + bottom[i] * (1 - a)).concat(1);
};
const canvasColour = rgba(matchMedia("(prefers-color-scheme: dark)").matches ? "#121212" : "#ffffff");
const behind = (e) => {
  const layers = [];
  for (let node = e; node; node = node.parentElement) {
    const style = getComputedStyle(node);
    if (style.backgroundImage !== "none" && !node.matches("select, input")) say("text on a picture", node);
    layers.push([rgba(style.backgroundColor), Number(style.opacity)]);
  }
  return layers.reduceRight((below, [colour, opacity]) => over(colour, below, opacity), canvasColour);
};
const opacityOf = (e) => {
  let product = 1;
  for (let node = e; node; node = node.parentElement) product *= Number(getComputedStyle(node).opacity);
  return product;
};
const luminance = ([r, g, b]) => {
  const [x, y, z] = [r, g, b].map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
};
const contrast = (a, b) => {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
};
const isAway = (e) => {
  for (let node = e; node; node = node.parentElement) {
    const style = getComputedStyle(node);
    if (style.clipPath === "inset(50%)") return true;
    const box = node.getBoundingClientRect();
    if (style.position === "absolute" && box.bottom < 0) return true;
  }
  return false;
};
const checkColour = (e, colour, style = getComputedStyle(e)) => {
  const background = behind(e);
  const ratio = contrast(over(rgba(colour), background, opacityOf(e)), background);
  const size = parseFloat(style.fontSize);
  const least = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
  if (ratio < least) say(`contrast ${ratio.toFixed(2)} below ${least}`, e);
};
const holders = new Set();
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) if (words(walker.currentNode.nodeValue)) holders.add(walker.currentNode.parentElement);
for (const e of holders) {
  if (e.closest("script, style, template, noscript, option, textarea, :disabled, title") || !seen(e) || isAway(e)) continue;
  checkColour(e, e instanceof SVGElement ? getComputedStyle(e).fill : getComputedStyle(e).color);
}
for (const e of all("input:not([type=hidden], [type=checkbox], [type=radio]), select, textarea").filter(seen)) {
  const style = getComputedStyle(e);
  checkColour(e, style.color);
  if (e.placeholder) checkColour(e, getComputedStyle(e, "::placeholder").color);
  // Where it is must be seen too.
  const outside = behind(e.parentElement);
  const edge = Math.max(contrast(over(rgba(style.borderTopColor), outside), outside), contrast(behind(e), outside));
  if (edge < 3) say(`edge of a control has contrast ${edge.toFixed(2)} below 3`, e);
}

// Room

if (html.scrollWidth > innerWidth) {
  const wide = all("main *").filter((e) => seen(e) && e.getBoundingClientRect().right > innerWidth + 1
    && !e.parentElement.closest(".scroll, pre, [role=region]"));
  say(`the document is ${html.scrollWidth} wide in a window of ${innerWidth}`, wide[0]);
}

return wrong;
