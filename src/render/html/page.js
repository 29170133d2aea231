"use strict";
(() => {
  const form = document.querySelector("form");
  const bar = document.querySelector(".filter");
  if (!form) return;
  const articles = [...document.querySelectorAll("article[data-action]")];
  const texts = articles.map((article) => article.textContent.toLowerCase());
  const shown = form.querySelector("output");
  const search = form.elements.q;
  bar.hidden = false;

  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const actions = new Set([...form.querySelectorAll("[name=action]:checked")].map((box) => box.value));
    const kind = form.elements.kind.value;
    const file = form.elements.file.value;
    let count = 0;
    articles.forEach((article, at) => {
      const data = article.dataset;
      const wanted = (actions.size === 0 || actions.has(data.action)) && (!kind || data.kind === kind)
        && (!file || data.file === file) && words.every((word) => texts[at].includes(word));
      article.hidden = !wanted;
      if (wanted) count += 1;
    });
    for (const section of document.querySelectorAll("section[data-group]")) {
      const left = section.querySelectorAll("article:not([hidden])").length;
      section.hidden = left === 0;
      section.querySelector("[data-count]").textContent = left;
    }
    shown.textContent = `${count} of ${articles.length} shown`;
  };

  // A filter is part of the address, so that it can be sent to somebody.
  const remember = () => {
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value) query.append(name, value);
    const text = query.toString();
    history.replaceState(null, "", text ? `#?${text}` : location.pathname + location.search);
  };

  const recall = () => {
    if (location.hash.startsWith("#?")) {
      const query = new URLSearchParams(location.hash.slice(2));
      search.value = query.get("q") ?? "";
      form.elements.kind.value = query.get("kind") ?? "";
      form.elements.file.value = query.get("file") ?? "";
      const actions = query.getAll("action");
      for (const box of form.querySelectorAll("[name=action]")) box.checked = actions.includes(box.value);
      apply();
      return;
    }
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (!target) return apply();
    if (target.hidden) form.reset();
    apply();
    target.querySelector("details").open = true;
    target.scrollIntoView();
    target.querySelector("summary").focus();
  };

  form.addEventListener("input", () => { apply(); remember(); });
  form.addEventListener("reset", () => setTimeout(() => { apply(); remember(); }));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.querySelector("[data-toggle]").addEventListener("click", (event) => {
    const all = [...document.querySelectorAll("article:not([hidden]) > details")];
    const open = all.some((details) => !details.open);
    for (const details of all) details.open = open;
    event.target.setAttribute("aria-pressed", String(open));
  });
  addEventListener("hashchange", recall);
  addEventListener("keydown", (event) => {
    const typing = event.target.matches("input[type=search], select");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      search.focus();
    }
  });
  recall();
})();
