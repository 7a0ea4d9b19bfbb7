// The slider of thresholds: one for all types, or one for each.

(() => {
  const source = document.getElementById("threshold-data");
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const $ = (id) => document.getElementById(id);
  const plot = $("curves");
  const [left, bottom, right, top] = plot.dataset.box.split(" ").map(Number);
  const ALL = "";
  const chosen = new Map(); // type -> threshold; those without have none
  const curves = new Map(Object.entries(data.curves));
  const types = Object.keys(data.types);
  const select = $("threshold-type");
  const slider = $("threshold");

  const name = (type) => (type === ALL ? "all types" : type);
  const curveOf = (type) => (type === ALL ? data.micro : curves.get(type));
  const pointAt = (curve, i) => ({
    threshold: curve.threshold[i],
    precision: curve.precision[i],
    recall: curve.recall[i],
    f1: curve.f1[i],
  });
  const percent = (share) => (share === null ? "–" : (100 * share).toFixed(1));

  // The points that the buttons go to. Of all types together only the curve is known.
  function best(type, aim) {
    if (type !== ALL) return data.types[type][aim];
    const points = curveOf(type).threshold.map((_, i) => pointAt(curveOf(type), i));
    if (aim === "f1") {
      const top = points.reduce((a, b) => (b.f1 > a.f1 ? b : a));
      return top.f1 > 0 ? top : undefined;
    }
    return points.find((point) => point.precision !== null && point.precision >= data.wanted_precision);
  }

  function nearest(curve, threshold) {
    let found = 0;
    curve.threshold.forEach((each, i) => {
      if (Math.abs(each - threshold) < Math.abs(curve.threshold[found] - threshold)) found = i;
    });
    return found;
  }

  const x = (threshold) => (left + threshold * (right - left)).toFixed(2);
  const y = (share) => (bottom + share * (top - bottom)).toFixed(2);

  function draw(curve) {
    for (const key of ["precision", "recall", "f1"]) {
      let pen = "M";
      const steps = [];
      curve[key].forEach((share, i) => {
        if (share !== null) steps.push(`${pen} ${x(curve.threshold[i])} ${y(share)}`);
        pen = share === null ? "M" : "L";
      });
      plot.querySelector(`#curves-line-${key} path`).setAttribute("d", steps.join(" "));
    }
  }

  function config() {
    let thresholds; // of each type, by what the pipeline calls it
    if (select.value !== ALL) {
      thresholds = types.flatMap((type) => data.types[type].labels.map((label) => [label, chosen.get(type)]));
    } else if (data.all_labels) {
      thresholds = data.all_labels.map((label) => [label, chosen.get(ALL)]);
    } else {
      return `threshold = ${chosen.get(ALL) || "null"}`;
    }
    const set = thresholds.filter(([, threshold]) => threshold);
    const pairs = set.map(([label, threshold]) => `${JSON.stringify(label)}: ${threshold}`);
    return `threshold = ${pairs.length ? `{${pairs.join(", ")}}` : "null"}`;
  }

  function show(point) {
    const type = select.value;
    chosen.set(type, point.threshold);
    const said = point.threshold.toFixed(3);
    slider.setAttribute("aria-valuetext", said);
    $("at-threshold").textContent = said;
    for (const key of ["precision", "recall", "f1"]) $(`at-${key}`).textContent = percent(point[key]);
    plot.querySelector("#curves-marker path").setAttribute("d", `M ${x(point.threshold)} ${y(0)} L ${x(point.threshold)} ${y(1)}`);
    $("own-config").textContent = config();
  }

  function go(point) {
    slider.value = nearest(curveOf(select.value), point.threshold);
    show(point);
  }

  function choose() {
    const curve = curveOf(select.value);
    slider.max = curve.threshold.length - 1;
    draw(curve);
    $("curves-of").textContent = name(select.value);
    for (const aim of ["f1", "precision"]) $(`best-${aim}`).disabled = !best(select.value, aim);
    const i = nearest(curve, chosen.get(select.value) ?? 0);
    slider.value = i;
    show(pointAt(curve, i));
  }

  for (const type of [ALL, ...types]) select.add(new Option(name(type), type));
  select.addEventListener("change", choose);
  slider.addEventListener("input", () => show(pointAt(curveOf(select.value), Number(slider.value))));
  $("best-f1").addEventListener("click", () => go(best(select.value, "f1")));
  $("best-precision").addEventListener("click", () => go(best(select.value, "precision")));
  $("no-threshold").addEventListener("click", () => go(pointAt(curveOf(select.value), 0)));
  $("chooser").hidden = false;
  choose();
})();
