// The contact plan as a table and the card of one customer. Rows come in files of a few thousand,
// each a script that is added when it is needed: that works from a folder, without a server.
// Whatever comes from data is set as text, never as HTML.
(function () {
  "use strict";

  const NONE = "not enough data";
  const waiting = new Map();

  window.evergreenPeople = {
    take: function (kind, number, content) {
      const found = waiting.get(kind + "-" + number);
      if (found) found.content = content;
    },
  };

  function load(kind, number) {
    const key = kind + "-" + number;
    if (waiting.has(key)) return waiting.get(key).promise;
    const entry = { content: null };
    entry.promise = new Promise(function (resolve, reject) {
      const script = document.createElement("script");
      const name = number === "index" ? "index" : String(number).padStart(4, "0");
      script.src = "data/" + kind + "-" + name + ".js";
      script.onload = function () {
        script.remove();
        if (entry.content) resolve(entry.content); else reject(new Error(key));
      };
      script.onerror = function () { script.remove(); waiting.delete(key); reject(new Error(key)); };
      document.head.append(script);
    });
    waiting.set(key, entry);
    return entry.promise;
  }

  function unpacked(column) {
    if (Array.isArray(column)) return column;
    return column.at.map((place) => (place < 0 ? null : column.words[place]));
  }

  // Rows of a file as objects without a prototype: a column's name can mean nothing else.
  function rowsOf(shard) {
    const names = Object.keys(shard.columns);
    const columns = names.map((name) => unpacked(shard.columns[name]));
    const rows = [];
    for (let i = 0; i < shard.count; i += 1) {
      const row = Object.create(null);
      names.forEach((name, place) => { row[name] = columns[place][i]; });
      rows.push(row);
    }
    return rows;
  }

  function element(tag, text, attributes) {
    const made = document.createElement(tag);
    if (text !== undefined && text !== null) made.textContent = text;
    for (const [name, value] of Object.entries(attributes || {})) made.setAttribute(name, value);
    return made;
  }

  const words = (code) => String(code).replace(/_/g, " ");
  const count = (number) => number.toLocaleString("en-US");
  const money = (number) => number.toLocaleString("en-US", {
    minimumFractionDigits: 0, maximumFractionDigits: Math.abs(number) >= 100 ? 0 : 2,
  });
  const percent = (number) => (number * 100).toFixed(1) + "%";

  // Order of ids as the database has it: by code point. The halves of a pair (above U+FFFF) come
  // after all single units.
  const rank = (unit) => (unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit);

  function before(a, b) {
    const length = Math.min(a.length, b.length);
    for (let i = 0; i < length; i += 1) {
      const left = a.charCodeAt(i), right = b.charCodeAt(i);
      if (left !== right) return rank(left) - rank(right);
    }
    return a.length - b.length;
  }

  // ---- The plan.
  // Short pages on a phone, where a row is a card.
  const PAGE_SIZE = window.matchMedia("(max-width: 760px)").matches ? 10 : 25;
  const COLUMNS = [
    { name: "priority", label: "No.", kind: "count" },
    { name: "customer_id", label: "Customer", kind: "customer" },
    { name: "action", label: "What to do", kind: "words" },
    { name: "reason", label: "Why", kind: "text" },
    { name: "channel", label: "Channel", kind: "words", nothing: "none known" },
    { name: "consent", label: "Consent", kind: "words" },
    { name: "not_before_date", label: "Not before", kind: "date" },
    { name: "revenue_at_risk", label: "At risk", kind: "money" },
    { name: "expected_effect", label: "Expected effect", kind: "money" },
  ];

  function plan(place) {
    const status = place.querySelector("[data-plan-status]");
    const more = place.querySelector("[data-plan-load]");
    const all = place.querySelector("[data-plan-load-all]");
    const table = place.querySelector("table");
    const filters = Object.fromEntries(
      [...place.querySelectorAll("[data-filter]")].map((input) => [input.dataset.filter, input]));
    const shards = new Map();
    let index = null, columns = COLUMNS, rows = [], shown = [], page = 0;
    let sort = { name: "priority", descending: false };

    const numbers = () => index.shards.map((shard, i) => i + 1);
    const missing = (list) => list.filter((number) => !shards.has(number));
    const sizeOf = (number, action) => index.shards[number - 1].actions.get(action) || 0;
    const holding = (action) => numbers().filter((number) => sizeOf(number, action) > 0);

    async function fill(list) {
      more.disabled = all.disabled = true;
      for (const number of list) {
        status.textContent = "Loading " + count(shards.size) + " of " + count(index.shards.length) + " ...";
        shards.set(number, rowsOf(await load("plan", number)));
      }
      rows = [...shards.keys()].sort((a, b) => a - b).flatMap((number) => shards.get(number));
      more.disabled = all.disabled = false;
    }

    function compare(a, b) {
      const left = a[sort.name], right = b[sort.name];
      const unknown = (left === null) - (right === null);
      if (unknown || left === null) return unknown || a.priority - b.priority;
      const order = typeof left === "number" ? left - right : before(String(left), String(right));
      return (sort.descending ? -order : order) || a.priority - b.priority;
    }

    function choose() {
      const text = filters.text.value.trim().toLowerCase();
      const fixed = ["action", "channel", "consent"].filter((name) => filters[name].value !== "*");
      shown = rows.filter((row) =>
        fixed.every((name) => (row[name] || "") === filters[name].value) &&
        (!text || row.customer_id.toLowerCase().includes(text) ||
          row.reason.toLowerCase().includes(text) ||
          words(row.action).includes(text)));
      shown.sort(compare);
      page = 0;
      draw();
    }

    function say() {
      const action = filters.action.value;
      const whole = action !== "*";
      const wanted = whole ? holding(action) : numbers();
      const absent = missing(wanted);
      const total = whole
        ? wanted.reduce((sum, number) => sum + sizeOf(number, action), 0)
        : index.count;
      const loaded = whole ? rows.filter((row) => row.action === action).length : rows.length;
      // The first ones, if no file before a loaded one is absent.
      const inOrder = Math.min(...absent) > Math.max(...wanted.filter((n) => shards.has(n)), 0);
      const what = whole ? " of the action" : "";
      status.textContent = count(shown.length) + (shown.length === 1 ? " row" : " rows") +
        (!absent.length ? " of " + count(total) + what + ", all loaded."
          : inOrder ? " among the first " + count(loaded) + " of " + count(total) + what + " by priority."
            : " among " + count(loaded) + " loaded of " + count(total) + what + ".");
      const next = whole ? absent : absent.slice(0, 1);
      const size = whole ? total - loaded
        : next.reduce((sum, number) => sum + index.shards[number - 1].count, 0);
      more.hidden = !next.length;
      more.textContent = (whole ? "Load the other " : "Load the next ") + count(size);
      all.hidden = whole || absent.length < 2;
      all.textContent = "Load all " + count(total);
      place.dataset.loaded = String(rows.length);
      place.dataset.shown = String(shown.length);
    }

    function filled(cell, column, value, row) {
      if (value === null || value === undefined) {
        cell.className = "unknown";
        cell.textContent = column.nothing || NONE;
      } else if (column.kind === "customer") {
        const button = element("button", value, { type: "button", class: "link" });
        button.addEventListener("click", () => openPerson(row.customer_id, true));
        cell.append(button);
      } else if (column.kind === "money") {
        cell.textContent = money(value);
      } else if (column.kind === "count") {
        cell.textContent = count(value);
      } else {
        cell.textContent = column.kind === "words" ? words(value) : value;
        if (column.kind === "text") cell.title = value;
        if (column.name === "consent" && value === "refused") cell.className = "refused";
      }
      if (column.kind === "money" || column.kind === "count") cell.classList.add("n");
    }

    function draw() {
      const head = table.tHead, body = table.tBodies[0];
      head.replaceChildren();
      const top = element("tr", null, { role: "row" });
      for (const column of columns) {
        const isSorted = sort.name === column.name;
        const cell = element("th", null, { scope: "col", role: "columnheader" });
        if (column.kind === "money" || column.kind === "count") cell.className = "n";
        cell.setAttribute("aria-sort",
          isSorted ? (sort.descending ? "descending" : "ascending") : "none");
        const button = element("button", column.label, { type: "button", class: "sort" });
        button.dataset.sort = column.name;
        if (isSorted) {
          button.append(element("span", sort.descending ? " \u2193" : " \u2191", { "aria-hidden": "true" }));
        }
        cell.append(button);
        top.append(cell);
      }
      head.append(top);
      body.replaceChildren();
      const part = shown.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
      for (const row of part) {
        const line = element("tr", null, { role: "row" });
        for (const column of columns) {
          const cell = element(column.kind === "customer" ? "th" : "td", null,
            column.kind === "customer" ? { scope: "row", role: "rowheader" } : { role: "cell" });
          filled(cell, column, row[column.name], row);
          cell.dataset.label = column.label;
          cell.dataset.column = column.name;
          line.append(cell);
        }
        body.append(line);
      }
      if (!part.length) {
        const line = element("tr", null, { role: "row" });
        line.append(element("td", "No row fits the filter.", {
          role: "cell", colspan: String(columns.length), class: "unknown nothing" }));
        body.append(line);
      }
      const last = Math.max(0, Math.ceil(shown.length / PAGE_SIZE) - 1);
      const from = shown.length ? page * PAGE_SIZE + 1 : 0;
      place.querySelector("[data-plan-range]").textContent =
        count(from) + " to " + count(Math.min(shown.length, (page + 1) * PAGE_SIZE)) + " of " + count(shown.length);
      place.querySelector('[data-plan-page="-1"]').disabled = page === 0;
      place.querySelector('[data-plan-page="1"]').disabled = page >= last;
      say();
    }

    function exported() {
      const cell = window.evergreen.cell;
      const names = COLUMNS.map((column) => column.name);
      const lines = [names.map(cell).join(",")];
      for (const row of shown) lines.push(names.map((name) => cell(row[name])).join(","));
      return lines.join("\r\n") + "\r\n";
    }

    place.addEventListener("click", function (event) {
      const button = event.target.closest("button");
      if (!button) return;
      if (button.dataset.sort) {
        const name = button.dataset.sort;
        sort = { name: name, descending: sort.name === name ? !sort.descending : false };
        choose();
        table.querySelector('[data-sort="' + name + '"]').focus();
      } else if (button.dataset.planPage) {
        page += Number(button.dataset.planPage);
        draw();
        if (button.disabled) place.querySelector("[data-plan-range]").focus();
        table.parentElement.scrollTop = 0;
      } else if (button.hasAttribute("data-plan-export")) {
        const link = document.createElement("a");
        link.href = URL.createObjectURL(
          new Blob(["\uFEFF", exported()], { type: "text/csv;charset=utf-8" }));
        link.download = "contact_plan.csv";
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 1000);
      } else if (button === more || button === all) {
        const action = filters.action.value;
        let list = action === "*" ? missing(numbers()) : missing(holding(action));
        if (action === "*" && button === more) list = list.slice(0, 1);
        fill(list).then(choose, failed);
      }
    });
    let pause = null;
    const form = place.querySelector("form");
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(choose));
    form.addEventListener("input", function () {
      clearTimeout(pause);
      pause = setTimeout(changed, 120);
    });

    // An action of which nothing is loaded would show an empty table: its first file is loaded.
    function changed() {
      const action = filters.action.value;
      const files = action === "*" ? [] : holding(action);
      if (files.length && missing(files).length === files.length) {
        fill(files.slice(0, 1)).then(choose, failed);
      } else {
        choose();
      }
    }

    function failed() {
      status.textContent = "The rows could not be loaded: the folder data beside this page is " +
        "missing or not whole. Run `evergreen dashboard` again.";
      place.dataset.ready = "failed";
    }

    place.evergreenExport = exported;
    load("plan", "index").then(async function (found) {
      index = found;
      for (const shard of index.shards) shard.actions = new Map(shard.actions);
      if (!index.effect_count) columns = COLUMNS.filter((c) => c.name !== "expected_effect");
      for (const name of ["action", "channel", "consent"]) {
        for (const [value, size] of index.facets[name]) {
          const label = (value ? words(value) : "none known") + " (" + count(size) + ")";
          filters[name].append(element("option", label, { value: value }));
        }
      }
      await fill(index.shards.length ? [1] : []);
      choose();
      place.dataset.ready = "true";
    }).catch(failed);
  }

  // ---- One customer.
  let openPerson = function () {};

  function lookup(place) {
    const input = place.querySelector("[data-lookup-input]");
    const status = place.querySelector("[data-lookup-status]");
    const list = place.querySelector("[data-lookup-matches]");
    const card = place.querySelector("[data-person]");
    const currency = place.dataset.currency;
    const SHOWN = 12;
    let run = 0;

    async function matches(prefix, most) {
      const index = await load("customers", "index");
      let low = 0, high = index.first.length - 1;
      while (low < high) {
        const middle = Math.ceil((low + high) / 2);
        if (before(index.first[middle], prefix) <= 0) low = middle; else high = middle - 1;
      }
      const found = [];
      for (let i = low; i < index.first.length && found.length <= most; i += 1) {
        if (i > low && !index.first[i].startsWith(prefix)) break;
        const shard = await load("customers", i + 1);
        const ids = unpacked(shard.columns.customer_id);
        for (let at = 0; at < ids.length && found.length <= most; at += 1) {
          if (ids[at].startsWith(prefix)) found.push({ shard: shard, at: at, id: ids[at] });
        }
      }
      return found;
    }

    function row(match) {
      const found = Object.create(null);
      for (const name of Object.keys(match.shard.columns)) {
        const column = match.shard.columns[name];
        found[name] = Array.isArray(column) ? column[match.at]
          : column.at[match.at] < 0 ? null : column.words[column.at[match.at]];
      }
      return found;
    }

    // A date stays whole at the end of a line.
    function dated(parent, text) {
      for (const part of text.split(/(\d{4}-\d{2}-\d{2})/)) {
        if (/^\d{4}-/.test(part)) parent.append(element("span", part, { class: "whole" }));
        else if (part) parent.append(part);
      }
      return parent;
    }

    function fact(label, value, note) {
      const box = element("div");
      box.append(element("dt", label));
      const isNull = value === null || value === undefined;
      box.append(element("dd", isNull ? NONE : value, isNull ? { class: "unknown" } : {}));
      if (note) box.append(dated(element("dd", null, { class: "note" }), note));
      return box;
    }

    const said = (code) => (code === null ? null : words(code));

    function show(match, isFocused) {
      const person = row(match);
      for (const button of list.querySelectorAll("button")) {
        button.setAttribute("aria-pressed", String(button.textContent === match.id));
      }
      card.replaceChildren();
      card.append(element("h3", person.customer_id));
      const next = element("p", null, { class: "next" });
      const isIdle = person.next_action === "nothing" || person.next_action === null;
      next.append(element("b", isIdle ? "Nothing to do now" : "Next: " + words(person.next_action)));
      if (person.next_action_reason) dated(next, ". " + person.next_action_reason + ".");
      if (!isIdle) {
        dated(next, " Channel: " + (said(person.channel) || "none known") + ". Not before " +
          (person.not_before_date || NONE) + ".");
      }
      card.append(next);
      const facts = element("dl", null, { class: "facts" });
      const chance = person.churn_probability_90d;
      const amount = (value) => (value === null ? null : currency + " " + money(value));
      facts.append(
        fact("Stage", said(person.stage), person.loyalty_rung && words(person.loyalty_rung)),
        fact("State", said(person.state), person.state_since && "since " + person.state_since),
        fact("Value tier", said(person.value_tier),
          person.predicted_value_365d === null ? "value to come: " + NONE
            : "value to come: " + amount(person.predicted_value_365d)),
        fact("Net revenue", amount(person.net_revenue),
          person.last_order_date ? "last order " + person.last_order_date : "no order"),
        fact("Silent for", person.days_silent === null ? null
          : count(person.days_silent) + (person.days_silent === 1 ? " day" : " days"),
        person.typical_gap_days === null ? null
          : "usual gap: " + count(Math.round(person.typical_gap_days * 10) / 10) + " days"),
        fact("Risk of leaving", said(person.risk_level),
          chance === null ? null : percent(chance) + " within 90 days"),
        fact("NPS", said(person.nps_class)),
        fact("Advocacy", said(person.advocacy_tier),
          person.has_open_complaint ? "has an open complaint" : null),
        fact("Ready for more", person.readiness_score === null ? null : person.readiness_score + " of 100",
          person.readiness_score === null ? "owns nothing"
            : person.cross_sell_blocked_by ? "stopped by: " + words(person.cross_sell_blocked_by)
              : person.next_product ? "offer: " + person.next_product : null),
        fact("Consent", said(person.consent)));
      card.append(facts);
      const reasons = [person.reason_1, person.reason_2, person.reason_3].filter((r) => r !== null);
      if (reasons.length) {
        card.append(element("h4", "What moves the risk of leaving most"));
        const names = element("ol");
        for (const reason of reasons) names.append(element("li", reason));
        card.append(names);
      }
      card.hidden = false;
      place.dataset.person = person.customer_id;
      if (isFocused) {
        card.focus({ preventScroll: true });
        card.scrollIntoView({ block: "nearest" });
      }
    }

    async function search() {
      const mine = ++run;
      const typed = input.value.trim();
      list.replaceChildren();
      card.hidden = true;
      delete place.dataset.person;
      if (!typed) { status.textContent = ""; return; }
      let found = [];
      for (const prefix of new Set([input.value, typed, typed.toUpperCase(), typed.toLowerCase()])) {
        found = await matches(prefix, SHOWN);
        if (mine !== run) return;
        if (found.length) break;
      }
      place.dataset.matches = String(found.length);
      if (!found.length) {
        status.textContent = "No customer's id begins so.";
        return;
      }
      const few = found.slice(0, SHOWN);
      status.textContent = found.length > SHOWN ? "More than " + SHOWN + " customers: type more of the id."
        : found.length === 1 ? "One customer." : found.length + " customers.";
      if (found.length > 1) {
        for (const match of few) {
          const item = element("li");
          const button = element("button", match.id, { type: "button" });
          button.addEventListener("click", () => show(match, true));
          item.append(button);
          list.append(item);
        }
      }
      if (found.length === 1 || few[0].id === typed || few[0].id === input.value) show(few[0], false);
    }

    function failed() {
      status.textContent = "The customers could not be loaded: the folder data beside this page " +
        "is missing or not whole. Run `evergreen dashboard` again.";
    }

    openPerson = function (id, isFocused) {
      run += 1;
      input.value = id;
      list.replaceChildren();
      status.textContent = "";
      matches(id, 0).then(function (found) {
        if (found.length && found[0].id === id) show(found[0], isFocused);
      }).catch(failed);
    };

    let pause = null;
    place.querySelector("form").addEventListener("submit", function (event) {
      event.preventDefault();
      search().catch(failed);
    });
    input.addEventListener("input", function () {
      clearTimeout(pause);
      pause = setTimeout(() => search().catch(failed), 200);
    });
    load("customers", "index").then(function (index) {
      status.textContent = "";
      place.dataset.count = String(index.count);
      place.dataset.ready = "true";
    }).catch(failed);
  }

  document.addEventListener("DOMContentLoaded", function () {
    for (const place of document.querySelectorAll("[data-lookup]")) lookup(place);
    for (const place of document.querySelectorAll("[data-plan]")) plan(place);
  });
})();
