import { copyButton, make } from "./dom.js";

/** Longer paragraphs stay plain: inline marks are searched in time that grows faster than their length. */
const longestInline = 10_000;
/** Lists and quotes within each other, no deeper than this. */
const deepest = 4;

const fence = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)[^`]*$/;
const heading = /^ {0,3}(#{1,6})\s+(.+?)\s*#*$/;
const rule = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const quote = /^ {0,3}> ?/;
const item = /^(\s*)([-*+]|(\d{1,9})[.)])\s+(.*)$/;

/**
 * Shows a growing text with a little Markdown: paragraphs, headings, lists, quotes, code, bold and italic.
 *
 * Everything becomes DOM nodes; no text is ever read as HTML. `show` is called for each frame with the whole text so far
 * and builds only the blocks that changed, so that a long answer stays fast and a selection in it stays alive.
 */
export class MarkdownView {
  #container;
  #shown = [];

  constructor(container) {
    this.#container = container;
  }

  show(text) {
    const blocks = parseBlocks(text);
    let same = 0;
    while (same < blocks.length && same < this.#shown.length && blocks[same].key === this.#shown[same].key) same++;
    const kept = this.#shown.slice(0, same);
    const growing = this.#shown[same];
    let next = same;
    // A code block that grows keeps its element, and with it the focus and the place it is scrolled to.
    if (growing?.code && blocks[same]?.kind === "code" && blocks[same].language === growing.language) {
      growing.code.textContent = blocks[same].text;
      kept.push({ ...growing, key: blocks[same].key });
      next++;
    }
    for (const old of this.#shown.slice(kept.length)) old.element.remove();
    for (const block of blocks.slice(next)) {
      const element = buildBlock(block, 0);
      this.#container.append(element);
      kept.push({ key: block.key, element, language: block.language, code: element.querySelector?.(":scope > pre > code") });
    }
    this.#shown = kept;
  }
}

/** Cuts text into blocks: `{ kind, key, ... }`, where equal keys look the same. */
export function parseBlocks(text) {
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  const blocks = [];
  let at = 0;
  const add = (kind, from, more) => blocks.push({ kind, key: `${kind}\n${lines.slice(from, at).join("\n")}`, ...more });
  const takeWhile = (test) => {
    const from = at;
    while (at < lines.length && test(lines[at])) at++;
    return lines.slice(from, at);
  };
  while (at < lines.length) {
    const from = at;
    const line = lines[at];
    const opened = fence.exec(line);
    const titled = heading.exec(line);
    if (line.trim() === "") {
      at++;
    } else if (opened) {
      at++;
      const closes = new RegExp(`^ {0,3}${opened[1][0]}{${opened[1].length},}\\s*$`);
      const code = takeWhile((inner) => !closes.test(inner));
      if (at < lines.length) at++;
      add("code", from, { language: opened[2], text: code.join("\n") });
    } else if (titled) {
      at++;
      add("heading", from, { level: titled[1].length, text: titled[2] });
    } else if (rule.test(line)) {
      at++;
      add("rule", from, {});
    } else if (quote.test(line)) {
      const quoted = takeWhile((inner) => quote.test(inner));
      add("quote", from, { text: quoted.map((inner) => inner.replace(quote, "")).join("\n") });
    } else if (item.test(line)) {
      const listed = takeWhile((inner) => {
        if (item.test(inner)) return true;
        // One empty line between items keeps the list together.
        if (inner.trim() === "") return item.test(lines[at + 1] ?? "") || /^\s{2,}\S/.test(lines[at + 1] ?? "");
        return !startsBlock(inner);
      });
      add("list", from, { lists: parseLists(listed) });
    } else {
      const said = takeWhile((inner) => inner.trim() !== "" && !(at > from && (startsBlock(inner) || item.test(inner))));
      add("paragraph", from, { text: said.join("\n") });
    }
  }
  return blocks;
}

const startsBlock = (line) => fence.test(line) || heading.test(line) || quote.test(line) || rule.test(line);

/** Items by their indentation, as lists of `{ text, lists }`. */
function parseLists(lines) {
  const root = { indent: -1, lists: [] };
  const open = [root];
  for (const line of lines) {
    const match = item.exec(line);
    if (!match) {
      const last = open.at(-1);
      if (last !== root && line.trim()) last.text += `\n${line.trim()}`;
      continue;
    }
    const indent = match[1].replaceAll("\t", "    ").length;
    while (open.length > 1 && (open.at(-1).indent >= indent || open.length > deepest)) open.pop();
    const parent = open.at(-1);
    const start = match[3] === undefined ? null : Number(match[3]);
    let list = parent.lists.at(-1);
    if (!list || (list.start === null) !== (start === null)) {
      list = { start, items: [] };
      parent.lists.push(list);
    }
    const entry = { indent, text: match[4], lists: [] };
    list.items.push(entry);
    open.push(entry);
  }
  return root.lists;
}

function buildBlock(block, depth) {
  switch (block.kind) {
    case "code": {
      const code = make("code", {}, block.text);
      const name = make("figcaption", {}, make("span", {}, block.language || "code"), copyButton("Copy", () => code.textContent));
      return make("figure", { class: "code" }, name, make("pre", { tabindex: 0 }, code));
    }
    case "heading":
      // The page itself uses levels one to three.
      return make(block.level < 3 ? "h4" : "h5", {}, ...buildInline(block.text));
    case "rule":
      return make("hr");
    case "quote": {
      const inner = depth < deepest ? parseBlocks(block.text).map((child) => buildBlock(child, depth + 1)) : [block.text];
      return make("blockquote", {}, ...inner);
    }
    case "list": {
      const lists = block.lists.map(buildList);
      return lists.length === 1 ? lists[0] : make("div", {}, ...lists);
    }
    default:
      return make("p", {}, ...buildInline(block.text));
  }
}

function buildList({ start, items }) {
  const entries = items.map((entry) => make("li", {}, ...buildInline(entry.text), ...entry.lists.map(buildList)));
  return start === null ? make("ul", {}, ...entries) : make("ol", { start: start === 1 ? null : start }, ...entries);
}

const marks = /(`+)(?!`)(.+?)(?<!`)\1(?!`)|\*\*(?=\S)(.+?)(?<=\S)\*\*|(?<![\w*])\*(?=[^\s*])(.+?)(?<=[^\s*])\*(?![\w*])|(?<!\w)_(?=[^\s_])(.+?)(?<=[^\s_])_(?!\w)|(\n)/s;

/** Text with code, bold, italic and line breaks, as nodes. */
function buildInline(text, depth = 0) {
  if (text.length > longestInline || depth > deepest) return [text];
  const nodes = [];
  let rest = text;
  for (let match = marks.exec(rest); match; match = marks.exec(rest)) {
    const [whole, , code, bold, starred, underlined] = match;
    if (match.index > 0) nodes.push(rest.slice(0, match.index));
    if (code !== undefined) nodes.push(make("code", {}, code));
    else if (bold !== undefined) nodes.push(make("strong", {}, ...buildInline(bold, depth + 1)));
    else if (starred !== undefined) nodes.push(make("em", {}, ...buildInline(starred, depth + 1)));
    else if (underlined !== undefined) nodes.push(make("em", {}, ...buildInline(underlined, depth + 1)));
    else nodes.push(make("br"));
    rest = rest.slice(match.index + whole.length);
  }
  if (rest) nodes.push(rest);
  return nodes;
}
