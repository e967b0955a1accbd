// What WebDriver runs in a page: whether it is dark, and which texts stand out too little from what is behind them.
// However a colour is written, a pixel of it is red, green, blue and opacity.
const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
const parse = (text) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = text;
  canvas.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
  return [r, g, b, a / 255];
};
const over = (top, below) => top.slice(0, 3).map((part, at) => part * top[3] + below[at] * (1 - top[3]));
const luminance = (colour) => {
  const [r, g, b] = colour.map((part) => (part <= 10.31475 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (element) => {
  const layers = [];
  for (let at = element; at; at = at.parentElement) {
    layers.push(parse(getComputedStyle(at).backgroundColor));
  }
  return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
};
const faint = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  const is_seen = walker.currentNode.data.trim() && box.width > 1 && box.height > 1 && element.checkVisibility({ visibilityProperty: true });
  if (!is_seen || element.closest("script, style, noscript, .visually-hidden, .skip")) {
    continue;
  }
  const back = behind(element);
  const [light, dark] = [luminance(over(parse(style.color), back)), luminance(back)].sort((a, b) => b - a);
  const ratio = (light + 0.05) / (dark + 0.05);
  const size = parseFloat(style.fontSize);
  const is_large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  if (ratio < (is_large ? 3 : 4.5)) {
    faint.push(`${ratio.toFixed(2)} ${style.color} on ${back.map(Math.round)}: ${element.outerHTML.slice(0, 100)}`);
  }
}
return { dark: luminance(behind(document.body)) < 0.2, faint };
