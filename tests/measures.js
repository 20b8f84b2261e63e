// What is wrong to the eye on a page: run inside it by browser.py.

const shown = e => e.checkVisibility({checkOpacity: true, checkVisibilityCSS: true}) && e.getClientRects().length > 0;
const texts = e => [...e.childNodes].filter(n => n.nodeType === 3 && n.data.trim());
const name = e => `<${e.tagName.toLowerCase()}> ${e.textContent.trim().slice(0, 60)}`;
const scrolls = e => /auto|scroll/.test(getComputedStyle(e).overflowX);
const SHAPES = "polygon, path, ellipse, rect, circle";

// Texts that leave their boxes

function around(elements) {
  const boxes = elements.map(e => e.getBoundingClientRect());
  return {left: Math.min(...boxes.map(b => b.left)), right: Math.max(...boxes.map(b => b.right)),
    top: Math.min(...boxes.map(b => b.top)), bottom: Math.max(...boxes.map(b => b.bottom))};
}

function leaves(inner, outer, slack) {
  return inner.left < outer.left - slack || inner.right > outer.right + slack;
}

function block(e) {
  while (e.parentElement && getComputedStyle(e).display.startsWith("inline")) e = e.parentElement;
  return e;
}

function overflowing(slack) {
  const found = [], root = document.scrollingElement, range = document.createRange();
  if (root.scrollWidth > root.clientWidth + slack) found.push(`the page: ${root.scrollWidth} > ${root.clientWidth}`);
  for (const e of document.body.querySelectorAll("*")) {
    if (e.closest("svg") || !shown(e)) continue;
    if (e.clientWidth && !scrolls(e) && e.scrollWidth > e.clientWidth + slack)
      found.push(`${name(e)}: ${e.scrollWidth} > ${e.clientWidth}`);
    const hidden = getComputedStyle(e).overflowY === "hidden";
    if (e.clientHeight && hidden && e.scrollHeight > e.clientHeight + slack)
      found.push(`${name(e)}: ${e.scrollHeight} > ${e.clientHeight} high`);
    for (const node of texts(e)) {
      range.selectNodeContents(node);
      const box = block(e);
      if (!scrolls(box) && leaves(range.getBoundingClientRect(), box.getBoundingClientRect(), slack))
        found.push(`${name(e)}: its text leaves its box`);
    }
  }
  for (const text of document.querySelectorAll("svg g text")) {
    const shapes = [...(text.closest("g.node") || text.parentElement).querySelectorAll(SHAPES)];
    if (!shown(text) || !shapes.length) continue;
    const inner = text.getBoundingClientRect(), outer = around(shapes);
    if (leaves(inner, outer, slack) || inner.top < outer.top - slack || inner.bottom > outer.bottom + slack)
      found.push(`${name(text)}: ${inner.width.toFixed(1)} in a shape of ${(outer.right - outer.left).toFixed(1)}`);
  }
  return found;
}

// Texts that are hard to tell from what is behind them

const pixel = document.createElement("canvas").getContext("2d", {willReadFrequently: true});

function parsed(colour) {
  pixel.clearRect(0, 0, 1, 1);
  pixel.fillStyle = "transparent";  // what stays for "none", which is no colour
  pixel.fillStyle = colour;
  pixel.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = pixel.getImageData(0, 0, 1, 1).data;
  return [r, g, b, a / 255];
}

const over = (top, under) => [...[0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3])), 1];

function canvas() {
  const dark = getComputedStyle(document.documentElement).colorScheme.includes("dark");
  return parsed(dark && matchMedia("(prefers-color-scheme: dark)").matches ? "#121212" : "#ffffff");
}

function fill(group) {
  const filled = [...group.querySelectorAll(SHAPES)].map(e => parsed(getComputedStyle(e).fill)).find(c => c[3] > 0);
  return filled || [0, 0, 0, 0];
}

// The colour of what a text of an SVG stands on in its own group: of filled shapes under it the last before it

function ground(text) {
  const {left, right, top, bottom} = text.getBoundingClientRect(), x = (left + right) / 2, y = (top + bottom) / 2;
  let found = [0, 0, 0, 0];
  for (let at = text.previousElementSibling; at && !found[3]; at = at.previousElementSibling) {
    const box = at.getBoundingClientRect(), under = box.left <= x && x <= box.right && box.top <= y && y <= box.bottom;
    if (under && at.matches(SHAPES)) found = parsed(getComputedStyle(at).fill);
  }
  return found;
}

function behind(e) {
  const layers = [];
  for (let at = e; at; at = at.parentElement) {
    const group = at !== e && at.matches("svg g") && !at.querySelector("g.node"), text = at === e && e.matches("svg text");
    const colour = text ? ground(e) : group ? fill(at) : parsed(getComputedStyle(at).backgroundColor);
    layers.push(colour);
    if (colour[3] === 1) break;
  }
  return layers.reverse().reduce((under, top) => over(top, under), canvas());
}

function light(colour) {
  const linear = v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  return [0.2126, 0.7152, 0.0722].reduce((sum, share, i) => sum + share * linear(colour[i] / 255), 0);
}

function contrast(least) {
  const found = [], without = ["SCRIPT", "STYLE", "NOSCRIPT", "TITLE", "OPTION"];
  for (const e of document.body.querySelectorAll("*")) {
    if (!texts(e).length || !shown(e) || without.includes(e.tagName.toUpperCase())) continue;
    const style = getComputedStyle(e), under = behind(e);
    const text = over(parsed(e instanceof SVGElement ? style.fill : style.color), under);
    const [a, b] = [light(text), light(under)].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
    if (ratio < least) found.push(`${name(e)}: ${ratio.toFixed(2)} on ${under.map(Math.round).slice(0, 3)}`);
  }
  return found;
}
