// Runs in the page: text below the contrast of WCAG AA, controls without a name, and content wider than the screen.
const faults = [];
// Colours in the middle of a transition say nothing.
for (const animation of document.getAnimations()) if (Number.isFinite(animation.effect.getComputedTiming().endTime)) animation.finish();

const channels = (color) => (color.match(/[\d.]+/g) ?? []).map(Number);
const luminance = ([r, g, b]) =>
  [r, g, b].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
const contrast = (a, b) => {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
};
const groundOf = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const color = channels(getComputedStyle(at).backgroundColor);
    if (color.length === 3 || color[3] === 1) return color;
  }
  return [255, 255, 255];
};
const describe = (element) => `${element.tagName.toLowerCase()}.${element.className} "${element.textContent.trim().slice(0, 30)}"`;

for (const element of document.querySelectorAll("body *")) {
  const hasText = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  if (!hasText || !element.checkVisibility({ visibilityProperty: true }) || element.closest(".unseen")) continue;
  const style = getComputedStyle(element);
  if (Number.parseFloat(style.fontSize) === 0) continue;
  const isLarge = Number.parseFloat(style.fontSize) >= 24;
  const ratio = contrast(channels(style.color), groundOf(element));
  if (ratio < (isLarge ? 3 : 4.5)) faults.push(`contrast ${ratio.toFixed(2)} of ${describe(element)}`);
}
for (const control of document.querySelectorAll("button, select, textarea, input, meter")) {
  const name = control.getAttribute("aria-label") || control.labels?.[0]?.textContent || control.textContent;
  if (!name?.trim()) faults.push(`no name on ${describe(control)}`);
}
const wide = document.documentElement.scrollWidth - innerWidth;
if (wide > 0) faults.push(`the page is ${wide} px wider than the screen`);
for (const element of document.querySelectorAll("header *, main *")) {
  const box = element.getBoundingClientRect();
  const scrolls = element.closest("pre, .title, .models");
  if (box.width > 1 && box.right > innerWidth + 1 && !scrolls) faults.push(`${describe(element)} ends at ${Math.round(box.right)} px`);
}
return faults;
