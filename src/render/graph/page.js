"use strict";
(() => {
  const form = document.querySelector("form");
  if (!form) return;
  const canvas = document.querySelector(".canvas");
  const svg = canvas.querySelector("svg");
  const nodes = [...svg.querySelectorAll("[data-node]")];
  const edges = [...svg.querySelectorAll(".edge")];
  const articles = nodes.map((node) => document.getElementById(`n${node.dataset.node}`));
  const texts = articles.map((article) => article.textContent.toLowerCase());
  const hint = document.querySelector("aside > .hint");
  const search = form.elements.q;
  const shown = form.querySelector("output");
  document.body.classList.add("live");
  for (const tool of document.querySelectorAll("[data-tool]")) tool.hidden = false;
  svg.removeAttribute("width");
  svg.removeAttribute("height");

  // What of the drawing is to be seen.
  const all = { x: svg.viewBox.baseVal.x, y: svg.viewBox.baseVal.y, width: svg.viewBox.baseVal.width, height: svg.viewBox.baseVal.height };
  const view = { x: 0, y: 0, scale: 1 };
  const show = () => {
    const { width, height } = canvas.getBoundingClientRect();
    svg.setAttribute("viewBox", `${view.x} ${view.y} ${width / view.scale} ${height / view.scale}`);
  };
  const least = () => {
    const { width, height } = canvas.getBoundingClientRect();
    return Math.min(1, width / all.width, height / all.height);
  };
  const fit = () => {
    const { width, height } = canvas.getBoundingClientRect();
    view.scale = Math.min(1.5, width / all.width, height / all.height);
    view.x = all.x - (width / view.scale - all.width) / 2;
    view.y = all.y - (height / view.scale - all.height) / 2;
    show();
  };
  // A large graph is opened where it begins, large enough to be read.
  const open = () => {
    fit();
    if (view.scale >= 0.5) return;
    view.scale = 0.8;
    view.x = all.x;
    view.y = all.y;
    show();
  };
  const zoom = (factor, x, y) => {
    const box = canvas.getBoundingClientRect();
    const [left, top] = [(x ?? box.left + box.width / 2) - box.left, (y ?? box.top + box.height / 2) - box.top];
    const scale = Math.min(4, Math.max(least() * 0.8, view.scale * factor));
    view.x += left / view.scale - left / scale;
    view.y += top / view.scale - top / scale;
    view.scale = scale;
    show();
  };

  const middle = (at) => {
    const { e, f } = nodes[at].transform.baseVal.consolidate().matrix;
    const { width, height } = nodes[at].querySelector("rect").getBBox();
    return { x: e + width / 2, y: f + height / 2 };
  };
  const bring = (at) => {
    const { width, height } = canvas.getBoundingClientRect();
    const { x, y } = middle(at);
    const inside = (place, start, length) => place > start + length * 0.1 && place < start + length * 0.9;
    if (view.scale < 0.5) view.scale = 0.8;
    else if (inside(x, view.x, width / view.scale) && inside(y, view.y, height / view.scale)) return;
    // Into the middle, but not beyond an end of the drawing.
    const within = (wanted, start, length, seen) =>
      (seen >= length ? start - (seen - length) / 2 : Math.min(Math.max(wanted, start), start + length - seen));
    view.x = within(x - width / view.scale / 2, all.x, all.width, width / view.scale);
    view.y = within(y - height / view.scale / 2, all.y, all.height, height / view.scale);
    show();
  };

  const related = (at, heading) => {
    const heads = [...articles[at].querySelectorAll("h3")].filter((head) => head.textContent.startsWith(`${heading} (`));
    return heads.flatMap((head) => [...head.nextElementSibling.querySelectorAll("a")].map((link) => Number(link.hash.slice(2))));
  };
  let chosen = -1;
  const choose = (at) => {
    for (const old of document.querySelectorAll(".chosen, .near")) old.classList.remove("chosen", "near");
    chosen = at;
    hint.hidden = at >= 0;
    if (at < 0) return;
    nodes[at].classList.add("chosen");
    articles[at].classList.add("chosen");
    articles[at].parentElement.scrollTop = 0;
    for (const other of [...related(at, "Needs"), ...related(at, "Needed by")]) nodes[other].classList.add("near");
    const item = nodes[at].dataset.item;
    for (const edge of edges) edge.classList.toggle("near", edge.dataset.from === item || edge.dataset.to === item);
    stop(at);
    bring(at);
  };

  // One resource is in the order of the tab key; the arrow keys go from it to others.
  let current = 0;
  const stop = (at) => {
    nodes[current].setAttribute("tabindex", "-1");
    nodes[at].setAttribute("tabindex", "0");
    current = at;
  };
  nodes.forEach((node, at) => {
    node.setAttribute("role", "button");
    node.setAttribute("aria-label", node.querySelector("title").textContent);
    node.setAttribute("tabindex", at === 0 ? "0" : "-1");
    node.addEventListener("focus", () => { stop(at); if (node.matches(":focus-visible")) bring(at); });
  });
  const focus = (at) => { stop(at); bring(at); nodes[at].focus({ preventScroll: true }); };
  const nearest = (from, others) => {
    const away = (at) => Math.abs(middle(at).y - middle(from).y);
    return others.reduce((best, at) => (best === undefined || away(at) < away(best) ? at : best), undefined);
  };
  const beside = (from, down) => {
    const here = middle(from);
    const column = [...nodes.keys()].filter((at) => {
      const there = middle(at);
      return at !== from && Math.abs(there.x - here.x) < 60 && (down ? there.y > here.y : there.y < here.y);
    });
    return nearest(from, column);
  };
  const step = (key) => {
    if (key === "ArrowRight") return nearest(current, related(current, "Needed by"));
    if (key === "ArrowLeft") return nearest(current, related(current, "Needs"));
    if (key === "ArrowDown") return beside(current, true) ?? (current + 1 < nodes.length ? current + 1 : undefined);
    return beside(current, false) ?? (current > 0 ? current - 1 : undefined);
  };

  const by = form.elements.action ? "action" : "kind";
  const boxes = [...form.querySelectorAll("input[type=checkbox]")];
  let matches = [];
  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const values = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    matches = [];
    const dim = new Set();
    nodes.forEach((node, at) => {
      const wanted = (values.size === 0 || values.has(articles[at].dataset[by])) && words.every((word) => texts[at].includes(word));
      node.classList.toggle("dim", !wanted);
      if (wanted) matches.push(at);
    });
    for (const node of nodes) if (!node.classList.contains("dim")) dim.add(node.dataset.item);
    for (const edge of edges) edge.classList.toggle("dim", !(dim.has(edge.dataset.from) && dim.has(edge.dataset.to)));
    const filtered = words.length > 0 || values.size > 0;
    shown.textContent = filtered ? `${matches.length} of ${nodes.length} match` : "";
  };

  // The filter, or what is chosen, is part of the address, so that it can be sent to somebody.
  const remember = () => {
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value) query.append(name, value);
    const text = query.toString();
    history.replaceState(null, "", text ? `#?${text}` : location.pathname + location.search);
  };
  const recall = () => {
    const { hash } = location;
    if (hash.startsWith("#?")) {
      const query = new URLSearchParams(hash.slice(2));
      search.value = query.get("q") ?? "";
      for (const box of boxes) box.checked = query.getAll(by).includes(box.value);
      apply();
      return;
    }
    const at = /^#n\d+$/.test(hash) ? Number(hash.slice(2)) : -1;
    if (at in nodes) choose(at);
  };
  const pick = (at) => {
    if (location.hash !== `#n${at}`) history.replaceState(null, "", `#n${at}`);
    choose(at);
  };

  form.addEventListener("input", () => { apply(); remember(); });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (matches.length > 0) choose(matches[(matches.indexOf(chosen) + 1) % matches.length]);
  });
  for (const button of form.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => {
      if (button.dataset.zoom === "fit") fit();
      else zoom(button.dataset.zoom === "in" ? 1.3 : 1 / 1.3);
    });
  }

  // Dragging with one pointer, pinching with two.
  const held = new Map();
  let moved = 0;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    if (held.size === 0) moved = 0;
    held.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  canvas.addEventListener("pointermove", (event) => {
    const last = held.get(event.pointerId);
    if (!last) return;
    const now = { x: event.clientX, y: event.clientY };
    moved += Math.abs(now.x - last.x) + Math.abs(now.y - last.y);
    const other = [...held].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const away = (point) => Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
      zoom(away(now) / away(last), (now.x + other.x) / 2, (now.y + other.y) / 2);
    } else if (moved > 4) {
      canvas.setPointerCapture(event.pointerId);
      canvas.classList.add("held");
      view.x -= (now.x - last.x) / view.scale;
      view.y -= (now.y - last.y) / view.scale;
      show();
    }
    held.set(event.pointerId, now);
  });
  const release = (event) => { held.delete(event.pointerId); canvas.classList.remove("held"); };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", release);
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0015)), event.clientX, event.clientY);
  }, { passive: false });
  canvas.addEventListener("click", (event) => {
    if (moved > 4) return;
    const node = event.target.closest("[data-node]");
    if (node) pick(Number(node.dataset.node));
    else { choose(-1); remember(); }
  });

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("input[type=search]");
    const node = event.target.closest("[data-node]");
    if (event.key === "Escape") { choose(-1); remember(); }
    else if (typing) return;
    else if (event.key === "/") { event.preventDefault(); search.focus(); }
    else if (event.key === "+" || event.key === "=") zoom(1.3);
    else if (event.key === "-") zoom(1 / 1.3);
    else if (event.key === "0") fit();
    else if (node && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); pick(current); }
    else if (node && event.key.startsWith("Arrow")) {
      event.preventDefault();
      const next = step(event.key);
      if (next !== undefined) focus(next);
    }
  });
  addEventListener("hashchange", recall);
  addEventListener("resize", show);
  open();
  recall();
})();
