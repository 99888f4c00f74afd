// Runs in the page: what the modules promise, checked without a network. The last argument takes the list of failures.
const finish = arguments[arguments.length - 1];
const load = (name) => import(new URL(name, document.baseURI));
const failures = [];
let checks = 0;
const expect = (name, found, wanted) => {
  checks++;
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b) failures.push(`${name}: found ${a}, wanted ${b}`);
};

(async () => {
  const { EventStreamParser } = await load("sse.js");
  const stream = '\uFEFF: ping\r\ndata: {"a":"ä€😀"}\r\n\r\nevent: done\rdata:one\rdata:  two\r\rid: 7\nretry: 9\ndata\n\ndata: lost';
  const wanted = [
    { event: "message", data: '{"a":"ä€😀"}' },
    { event: "done", data: "one\n two" },
    { event: "message", data: "" },
  ];
  for (let size = 1; size <= stream.length; size++) {
    const parser = new EventStreamParser();
    const events = [];
    for (let at = 0; at < stream.length; at += size) events.push(...parser.push(stream.slice(at, at + size)));
    expect(`an event stream in pieces of ${size}`, events, wanted);
  }
  let refusal = null;
  try {
    const parser = new EventStreamParser();
    for (let at = 0; at < 40; at++) parser.push("x".repeat(1 << 16));
  } catch (error) {
    refusal = error.message;
  }
  expect("an endless line is refused", refusal, "An event of the stream is too long.");

  const { amount, figure, short, moment } = await load("format.js");
  for (const [text, said] of [
    ["0.000000000", "0"], ["0.000081000", "0.000081"], ["0.000000001", "0.000000001"], ["1234567.500000000", "1,234,567.5"],
    ["9007199254740993.000000001", "9,007,199,254,740,993.000000001"], ["-0.100000000", "-0.1"], ["100", "100"],
    ["1e3", "–"], ["", "–"], [null, "–"], ["0.", "–"],
  ]) {
    expect(`an amount of ${text}`, amount(text), said);
  }
  expect("figures", [0.84, 9.96, 410.2, 12345, NaN].map(figure), ["0.8", "10", "410", "12,345", "–"]);
  expect("a long hash", short("0x3f2a9c1d00000000abcd"), "0x3f2a9c…abcd");
  expect("a short hash", short("0x3f2a"), "0x3f2a");
  expect("no time", moment(undefined), "–");

  const { MarkdownView } = await load("markdown.js");
  const shape = (text) => {
    const box = document.createElement("div");
    new MarkdownView(box).show(text);
    for (const caption of box.querySelectorAll("figcaption button")) caption.remove();
    return box.innerHTML;
  };
  expect("paragraphs", shape("one\ntwo\n\n**three**"), "<p>one<br>two</p><p><strong>three</strong></p>");
  expect("markup stays text", shape("<img src=x>"), "<p>&lt;img src=x&gt;</p>");
  expect("marks inside code", shape("`**a**` and ``b`c``"), "<p><code>**a**</code> and <code>b`c</code></p>");
  expect("italic and not", shape("*a* 2 * 3 * 4 snake_case_name _b_"), "<p><em>a</em> 2 * 3 * 4 snake_case_name <em>b</em></p>");
  expect("bold within a word's reach", shape("**a *b* c**"), "<p><strong>a <em>b</em> c</strong></p>");
  expect("lists within lists", shape("1. a\n   - b\n   - c\n2. d"), "<ol><li>a<ul><li>b</li><li>c</li></ul></li><li>d</li></ol>");
  expect("a list that starts at three", shape("3. a\n\n4. b"), '<ol start="3"><li>a</li><li>b</li></ol>');
  expect("a list beside text", shape("say:\n- a\n\nafter"), "<p>say:</p><ul><li>a</li></ul><p>after</p>");
  expect("a quote", shape("> a\n> - b"), "<blockquote><p>a</p><ul><li>b</li></ul></blockquote>");
  expect("headings and a rule", shape("# a\n### b\n***"), "<h4>a</h4><h5>b</h5><hr>");
  expect("an open code block", shape("```js\nlet a\n\n# no"), '<figure class="code"><figcaption><span>js</span></figcaption><pre tabindex="0"><code>let a\n\n# no</code></pre></figure>');

  // However the text grows, the end looks as if it had come at once.
  const whole = "# a\n\nb **c** `d\n\n- e\n  1. f\n\n```swift\nlet x = 1\n```\n\n> q\n\nend *x*";
  const box = document.createElement("div");
  const view = new MarkdownView(box);
  for (let length = 0; length <= whole.length; length++) view.show(whole.slice(0, length));
  for (const caption of box.querySelectorAll("figcaption button")) caption.remove();
  expect("a text that grew", box.innerHTML, shape(whole));
  const kept = box.firstChild;
  view.show(whole + "\n\nmore");
  expect("blocks that did not change stay", box.firstChild === kept, true);

  // Any bytes give a picture and no error, and quickly.
  let seed = 20261121;
  const random = (limit) => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) % limit;
  const alphabet = ["*", "_", "`", "```", "~~~", "\n", "\n\n", " ", "    ", "\t", "#", ">", "-", "1.", "+", "a", "é", "<b>", "&", "\r\n"];
  const begun = performance.now();
  for (let round = 0; round < 300; round++) shape(Array.from({ length: random(200) }, () => alphabet[random(alphabet.length)]).join(""));
  for (const mark of ["*", " *a", "**a", "`", "` a", "_a ", "> ", "- ", "#", "~~~\n", "*a **b "]) shape(mark.repeat(9_900 / mark.length));
  expect("odd texts are drawn quickly", performance.now() - begun < 5_000, true);

  const { explain } = await load("problem.js");
  const { APIError, BrokenStream } = await load("api.js");
  expect("a refusal by code", explain(new APIError({ message: "m", code: "no_node_available" }, { status: 503, retryAfter: "2" })).remedy.endsWith("wait 2 s."), true);
  expect("a refusal by status", explain(new APIError({}, { status: 402 })).title, "Not enough credits");
  expect("a broken stream", explain(new BrokenStream("x")).title, "The answer broke off");
  expect("an unknown fault", explain(new APIError({ message: "disk" }, { status: 500 })).detail, "disk");
  return { checks, failures };
})().then(finish, (error) => finish({ checks, failures: [...failures, String(error.stack ?? error)] }));
