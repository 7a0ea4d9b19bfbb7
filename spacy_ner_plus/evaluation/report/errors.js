// The error browser. Everything from the data goes into the page as text, never as HTML.

const errorBrowser = (() => {
  const data = JSON.parse(document.getElementById("error-data").textContent);
  const PAGE = 50;
  const NONE = -1;
  const $ = (id) => document.getElementById(id);
  const controls = { kind: $("kind"), gold: $("gold"), predicted: $("predicted"), query: $("query"), order: $("order") };
  const texts = data.texts.map(([text, gold, predicted]) => ({ text, gold, predicted, small: text.toLowerCase() }));
  const errors = data.errors.map(([id, kind, document, start, text, gold, predicted, pairs]) => {
    const { predicted: entities } = texts[text];
    const sure = predicted.map((i) => entities[i][3]).filter((p) => p !== null);
    return { id, kind, document, start, text, gold, predicted, pairs, sure: sure.length ? Math.max(...sure) : null };
  });
  const hasProbabilities = errors.some((error) => error.sure !== null);
  const number = (n) => n.toLocaleString("en");
  let found = errors;
  let page = 0;

  function make(tag, className, text) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  }

  // Of errors without a probability (missed ones) the order is that of the data, after all others.
  const orders = {
    data: () => 0,
    sure: (a, b) => (b.sure ?? -1) - (a.sure ?? -1),
    unsure: (a, b) => (a.sure ?? 2) - (b.sure ?? 2),
  };

  function matches(error) {
    const { kind, gold, predicted, query } = controls;
    if (kind.value !== "" && error.kind !== Number(kind.value)) return false;
    const isPair = ([g, p]) =>
      (gold.value === "" || g === Number(gold.value)) && (predicted.value === "" || p === Number(predicted.value));
    return error.pairs.some(isPair) && texts[error.text].small.includes(query.value.trim().toLowerCase());
  }

  // How many lines of a side are between the text and that of an entity. Of entities that share
  // characters the shortest are next to the text, so that what is around them is drawn around them.
  function withLevels(marks) {
    const placed = [];
    const length = ({ entity }) => entity[1] - entity[0];
    for (const mark of [...marks].sort((a, b) => length(a) - length(b))) {
      const [start, end] = mark.entity;
      const taken = new Set(
        placed
          .filter(({ side, entity }) => side === mark.side && entity[0] < end && start < entity[1])
          .map(({ level }) => level),
      );
      mark.level = 0;
      while (taken.has(mark.level)) mark.level += 1;
      placed.push(mark);
    }
    return marks;
  }

  // A piece of the text, or what stands in it, with the lines of the entities over it, of each side
  // in their levels. Where none share characters, the two sides are one element.
  function lined(over, content) {
    let node = content;
    const highest = Math.max(-1, ...over.map(({ level }) => level));
    for (let level = 0; level <= highest; level += 1) {
      const its = over.filter((mark) => mark.level === level);
      const groups = its.some(({ pale }) => pale) ? its.map((mark) => [mark]) : [its];
      for (const group of groups.filter(({ length }) => length)) {
        const sides = group.map(({ side }) => side).join(" ");
        const line = make("span", sides + (group[0].pale ? " pale" : ""));
        line.style.setProperty("--level", level);
        line.append(node);
        node = line;
      }
    }
    return node;
  }

  // No probability that is less than 1 as 1.
  function shortly(probability) {
    if (probability >= 0.9995) return probability < 1 ? ">0.999" : "1";
    return probability.toFixed(probability < 0.99 ? 2 : 3);
  }

  // The types of entities that end here: predicted ones above, gold ones below.
  function tags(ending) {
    const node = make("span", "tags");
    for (const { entity, side, pale } of ending) {
      const [, , label, probability] = entity;
      const tag = make("span", `tag ${side}-tag${pale ? " pale" : ""}`);
      const said = probability === null ? "" : ` ${shortly(probability)}`;
      tag.append(make("span", "only-read", ` (${side} `), make("bdi", "", data.labels[label]), said);
      tag.append(make("span", "only-read", ") "));
      node.append(tag);
    }
    return node;
  }

  // Where to cut so that the types stay on a line with the end of their entity.
  function lastWord(points, start, end) {
    let cut = end - 1;
    while (cut > start && end - cut < 24 && /\S/u.test(points[cut - 1])) cut -= 1;
    return cut;
  }

  // The text, cut wherever an entity starts or ends. Offsets count code points, as Python's do.
  function context(error) {
    const { text, gold, predicted } = texts[error.text];
    const points = Array.from(text);
    const marks = withLevels([
      ...predicted.map((entity, i) => ({ entity, side: "predicted", pale: !error.predicted.includes(i) })),
      ...gold.map((entity, i) => ({ entity, side: "gold", pale: !error.gold.includes(i) })),
    ]);
    const highest = Math.max(0, ...marks.map(({ level }) => level));
    const cuts = [0, points.length, ...marks.flatMap(({ entity }) => entity.slice(0, 2))];
    const places = [...new Set(cuts)].sort((a, b) => a - b);
    const node = make("p", "context");
    node.dir = "auto";
    if (highest) node.style.setProperty("--levels", highest);
    places.slice(0, -1).forEach((start, i) => {
      const end = places[i + 1];
      const over = marks.filter(({ entity }) => entity[0] <= start && end <= entity[1]);
      const ending = over.filter(({ entity }) => entity[1] === end);
      const going = over.filter(({ entity }) => entity[1] > end);
      const cut = ending.length ? lastWord(points, start, end) : end;
      node.append(lined(over, points.slice(start, cut).join("")));
      if (!ending.length) return;
      const together = make("span", "together");
      together.append(lined(over, points.slice(cut, end).join("")), lined(going, tags(ending)));
      node.append(together);
    });
    return node;
  }

  function item(error) {
    const node = make("li");
    node.dataset.id = error.id;
    const head = make("div", "head");
    head.append(
      make("b", "", data.kinds[error.kind][1]),
      make("span", "", `document ${number(error.document)}, character ${number(error.start)}`),
    );
    node.append(head, context(error));
    return node;
  }

  function show() {
    const start = page * PAGE;
    const end = Math.min(found.length, start + PAGE);
    $("error-list").replaceChildren(...found.slice(start, end).map(item));
    const all = found.length === errors.length ? "" : `, chosen from ${number(errors.length)}`;
    const range = `${number(start + 1)} to ${number(end)} of ${number(found.length)} errors${all}.`;
    const none = errors.length ? `None of ${number(errors.length)} errors.` : "There are no errors.";
    const left = data.total - errors.length;
    const more = left ? ` ${number(left)} more are not in this file, but in errors.jsonl.` : "";
    $("shown").textContent = (found.length ? range : none) + more;
    const pages = Math.ceil(found.length / PAGE);
    $("pager").hidden = pages < 2;
    $("page").textContent = `Page ${number(page + 1)} of ${number(pages)}`;
    $("previous").disabled = page === 0;
    $("next").disabled = page >= pages - 1;
  }

  function update() {
    found = errors.filter(matches).sort(orders[controls.order.value]);
    page = 0;
    show();
  }

  function turn(step) {
    page += step;
    show();
    $("errors-heading").scrollIntoView();
    // A disabled button loses the focus.
    const [here, there] = step > 0 ? [$("next"), $("previous")] : [$("previous"), $("next")];
    (here.disabled ? there : here).focus({ preventScroll: true });
  }

  const placeOfLabel = new Map(data.labels.map((label, i) => [label, i]));

  // Filter by kind or by types: without is any, null is no entity.
  function filter({ kind, gold, predicted }) {
    for (const key of ["kind", "gold", "predicted", "query"]) controls[key].value = "";
    if (kind !== undefined) controls.kind.value = data.kinds.findIndex(([key]) => key === kind);
    for (const [control, label] of [[controls.gold, gold], [controls.predicted, predicted]]) {
      if (label !== undefined) control.value = label === null ? NONE : (placeOfLabel.get(label) ?? "");
    }
    update();
    $("errors-heading").scrollIntoView();
    $("errors-heading").focus({ preventScroll: true });
  }

  data.kinds.forEach(([, name], i) => {
    const n = errors.filter((error) => error.kind === i).length;
    if (n) controls.kind.add(new Option(`${name} (${number(n)})`, i));
  });
  const byName = [...placeOfLabel].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [side, none] of [["gold", "none (spurious)"], ["predicted", "none (missed)"]]) {
    for (const [label, i] of byName) controls[side].add(new Option(label, i));
    controls[side].add(new Option(none, NONE));
  }
  if (!hasProbabilities) controls.order.closest("div").remove();
  if (!hasProbabilities) controls.order = { value: "data" };

  $("filters").addEventListener("input", update);
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("filters").addEventListener("reset", () => setTimeout(update));
  $("previous").addEventListener("click", () => turn(-1));
  $("next").addEventListener("click", () => turn(1));
  $("filters").hidden = false;
  update();
  return { show: filter };
})();
