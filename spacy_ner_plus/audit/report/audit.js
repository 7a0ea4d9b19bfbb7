"use strict";

// What is folded is printed too.
const closed = [...document.querySelectorAll("details:not([open])")];
addEventListener("beforeprint", () => closed.forEach((each) => (each.open = true)));
addEventListener("afterprint", () => closed.forEach((each) => (each.open = false)));
