// Copying, clicks on figures, and printing.

for (const button of document.querySelectorAll("[data-copy]")) {
  const text = document.getElementById(button.dataset.copy);
  const said = button.textContent;
  button.addEventListener("click", async () => {
    getSelection().selectAllChildren(text);
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
    } catch {
      // No clipboard for this page: the text is selected.
      button.textContent = "Selected, to copy";
    }
    setTimeout(() => (button.textContent = said), 2000);
  });
}

for (const button of document.querySelectorAll("button[data-kind]")) {
  const kind = button.dataset.kind;
  button.addEventListener("click", () => errorBrowser.show({ kind }));
  const bar = document.getElementById(`gains-bar-${kind}`);
  if (bar) {
    bar.dataset.kind = kind;
    bar.addEventListener("click", () => errorBrowser.show({ kind }));
  }
}

for (const cell of document.querySelectorAll(".cell")) {
  const { gold, predicted } = cell.dataset;
  cell.addEventListener("click", () => errorBrowser.show({ gold: gold ?? null, predicted: predicted ?? null }));
}

const closed = [...document.querySelectorAll("details:not([open])")];
addEventListener("beforeprint", () => closed.forEach((each) => (each.open = true)));
addEventListener("afterprint", () => closed.forEach((each) => (each.open = false)));
