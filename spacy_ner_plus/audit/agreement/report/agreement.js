// Which disagreements are shown: all of them are in the page.

(() => {
  const STEP = 50;
  const $ = (id) => document.getElementById(id);
  const controls = { kind: $("kind"), label: $("label"), other: $("other"), query: $("query") };
  const places = [...document.querySelectorAll("#place-list > li")].map((node) => ({
    node,
    kinds: node.dataset.kinds.split(" "),
    labels: node.dataset.labels.split(" "),
    small: node.textContent.toLowerCase(),
  }));
  const number = (n) => n.toLocaleString("en");
  let most = STEP;

  function matches({ kinds, labels, small }) {
    const { kind, label, other, query } = controls;
    const has = (all, value) => value === "" || all.includes(value);
    return (
      has(kinds, kind.value) &&
      has(labels, label.value) &&
      has(labels, other.value) &&
      small.includes(query.value.trim().toLowerCase())
    );
  }

  function show() {
    const found = places.filter(matches);
    const shown = new Set(found.slice(0, most));
    for (const place of places) place.node.hidden = !shown.has(place);
    const all = found.length === places.length ? "" : `, chosen from ${number(places.length)}`;
    $("shown").textContent = found.length
      ? `${number(shown.size)} of ${number(found.length)} places${all}.`
      : `None of ${number(places.length)} places.`;
    $("pager").hidden = shown.size === found.length;
  }

  function update() {
    most = STEP;
    show();
  }

  function choose(values) {
    for (const [key, control] of Object.entries(controls)) control.value = values[key] ?? "";
    update();
    $("places-heading").scrollIntoView();
    $("places-heading").focus({ preventScroll: true });
  }

  const valueOf = (select, label) => [...select.options].find((one) => one.text === label)?.value;

  for (const button of document.querySelectorAll("button[data-kind]")) {
    button.addEventListener("click", () => choose({ kind: button.dataset.kind }));
  }
  for (const button of document.querySelectorAll("button[data-label]")) {
    const { label, other } = button.dataset;
    button.addEventListener("click", () =>
      choose({
        label: valueOf(controls.label, label),
        other: other === "" ? "-1" : valueOf(controls.other, other),
      }),
    );
  }
  $("filters").addEventListener("input", update);
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("filters").addEventListener("reset", () => setTimeout(update));
  $("more").addEventListener("click", () => {
    const first = most;
    most += STEP;
    show();
    const next = places.filter(matches)[first]?.node;
    if (next) {
      next.tabIndex = -1;
      next.focus();
    }
  });
  $("filters").hidden = false;
  update();

  const closed = [...document.querySelectorAll("details:not([open])")];
  addEventListener("beforeprint", () => closed.forEach((each) => (each.open = true)));
  addEventListener("afterprint", () => closed.forEach((each) => (each.open = false)));
})();
