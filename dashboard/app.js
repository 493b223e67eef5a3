// The dashboard's own script: theme, charts, tables as CSV. No dependency but vegaEmbed for charts.
(function () {
  "use strict";

  // ---- Theme. Set before the page is drawn, so that it does not flash.
  const THEMES = ["auto", "light", "dark"];
  const NAMES = { auto: "Auto", light: "Light", dark: "Dark" };
  const root = document.documentElement;
  let theme = "auto";
  try {
    const kept = window.localStorage.getItem("evergreen-theme");
    if (THEMES.includes(kept)) theme = kept;
  } catch (error) { /* storage may be forbidden: the theme is not kept */ }

  function applyTheme() {
    if (theme === "auto") root.removeAttribute("data-theme");
    else root.setAttribute("data-theme", theme);
  }
  applyTheme();

  function sayTheme(button) {
    button.querySelector("[data-theme-name]").textContent = NAMES[theme];
    const words = theme === "auto" ? "automatic" : theme;
    button.setAttribute("aria-label", "Colour theme: " + words + ". Press to change.");
  }

  // ---- Charts. Colours in specifications are CSS variables: a theme is a second drawing.
  function colour(name) {
    return getComputedStyle(root).getPropertyValue(name).trim();
  }

  function dressed(value) {
    if (typeof value === "string") {
      const found = /^var\((--[\w-]+)\)$/.exec(value);
      return found ? colour(found[1]) : value;
    }
    if (Array.isArray(value)) return value.map(dressed);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, dressed(v)]));
    }
    return value;
  }

  function config() {
    const ink = colour("--ink"), muted = colour("--muted"), line = colour("--line");
    const font = getComputedStyle(document.body).fontFamily;
    return {
      background: "transparent", font: font,
      view: { stroke: null },
      axis: {
        labelColor: muted, titleColor: muted, gridColor: line, domainColor: line, tickColor: line,
        labelFontSize: 11.5, titleFontSize: 11.5, titleFontWeight: 400, labelPadding: 6, tickSize: 4,
        titlePadding: 10,
      },
      axisX: { grid: false }, axisY: { domain: false, ticks: false },
      axisQuantitative: { gridOpacity: 0.8 },
      legend: {
        labelColor: ink, titleColor: muted, labelFontSize: 12, symbolType: "circle", symbolSize: 70,
        orient: "top", direction: "horizontal", offset: 10, labelLimit: 190, columnPadding: 16,
        symbolStrokeWidth: 0,
      },
      header: { labelFontSize: 12, labelColor: ink },
      text: { fontSize: 12, color: ink },
      bar: { color: colour("--c1") },
      range: { category: [1, 2, 3, 4, 5, 6, 7].map((n) => colour("--c" + n)) },
    };
  }

  // Panels side by side share the width that there is; a legend wraps; tight figures give way.
  function fitted(spec, width) {
    const hints = spec.usermeta || {};
    if (hints.panel_width) {
      const columns = Math.max(1, Math.min(hints.panel_count, Math.floor(width / hints.panel_width)));
      spec.columns = columns;
      spec.spec.width = Math.max(140, Math.floor((width - 52) / columns) - (columns > 1 ? 22 : 0));
    }
    if (spec.width === "container") spec.width = width;
    if (hints.hide_text_below && width < hints.hide_text_below) {
      spec.layer = spec.layer.filter((layer) => (layer.mark.type || layer.mark) !== "text");
    }
    if (hints.turn_labels_below && width < hints.turn_labels_below) {
      for (const layer of spec.layer) {
        if (layer.encoding.x && layer.encoding.x.axis) {
          layer.encoding.x.axis.labelAngle = -40;
        }
      }
    }
    return spec;
  }

  function json(kind, id) {
    const found = document.querySelector("script[data-" + kind + '="' + id + '"]');
    return found ? JSON.parse(found.textContent) : null;
  }

  const drawn = new Map();

  async function draw(place) {
    const id = place.dataset.chart, width = place.clientWidth;
    const spec = fitted(dressed(json("spec", id)), width);
    const rows = json("rows", id) || [];
    const isVega = (spec.usermeta || {}).engine === "vega";
    const settings = config();
    settings.legend.columns = Math.max(1, Math.floor(width / 128));
    if (isVega) {
      spec.width = width;
      spec.data[0].values = rows;
    } else {
      spec.datasets = { rows: rows };
    }
    delete place.dataset.ready;
    if (drawn.has(place)) drawn.get(place).finalize();
    const result = await window.vegaEmbed(place, spec, {
      mode: isVega ? "vega" : "vega-lite", renderer: "svg", actions: false, ast: true,
      config: settings, tooltip: { theme: "custom" },
    });
    drawn.set(place, result);
    place.dataset.width = String(width);
    place.dataset.marks = String(place.querySelectorAll(
      ".mark-rect path, .mark-line path, .mark-area path, .mark-symbol path, .mark-rule line, .mark-path path"
    ).length);
    place.dataset.ready = "true";
  }

  let run = 0;

  async function drawAll(onlyChangedWidth) {
    const mine = ++run;
    for (const place of document.querySelectorAll("[data-chart]")) {
      if (mine !== run) return; // a later run draws everything again
      if (onlyChangedWidth && place.dataset.width === String(place.clientWidth)) continue;
      try {
        await draw(place);
      } catch (error) {
        place.dataset.ready = "failed";
        place.textContent = "The chart could not be drawn. The numbers are in the table.";
        console.error("chart " + place.dataset.chart, error);
      }
    }
    document.body.dataset.ready = "true";
  }

  // ---- CSV, made here. A cell that a spreadsheet would take for a formula becomes text.
  function cell(value) {
    if (value === null || value === undefined) return "";
    let text = String(value);
    const isNumber = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text);
    if (/^[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20]/.test(text) && !isNumber) text = "'" + text;
    return /[",\r\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
  }

  function csv(id) {
    const rows = json("rows", id) || [];
    const tools = document.getElementById(id).querySelector("[data-columns]");
    const names = tools.dataset.columns.split(" ");
    const lines = [names.map(cell).join(",")];
    for (const row of rows) lines.push(names.map((name) => cell(row[name])).join(","));
    return lines.join("\r\n") + "\r\n";
  }

  async function copy(text) {
    if (navigator.clipboard && window.isSecureContext) {
      try { await navigator.clipboard.writeText(text); return true; } catch (error) { /* below */ }
    }
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "hidden";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }

  function download(id) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\uFEFF", csv(id)], { type: "text/csv;charset=utf-8" }));
    link.download = id + ".csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  window.evergreen = { csv: csv, cell: cell };

  document.addEventListener("DOMContentLoaded", function () {
    const toggle = document.querySelector("[data-theme-toggle]");
    sayTheme(toggle);
    toggle.addEventListener("click", function () {
      theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
      try { window.localStorage.setItem("evergreen-theme", theme); } catch (error) { /* not kept */ }
      applyTheme();
      sayTheme(toggle);
      drawAll(false);
    });
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function () {
      if (theme === "auto") drawAll(false);
    });
    document.addEventListener("click", async function (event) {
      const button = event.target.closest("[data-copy], [data-download]");
      if (!button) return;
      const said = button.parentElement.querySelector("[role=status]");
      if (button.dataset.copy) {
        const done = await copy(csv(button.dataset.copy));
        said.textContent = done ? "Copied." : "The browser did not allow it: use Download CSV.";
      } else {
        download(button.dataset.download);
        said.textContent = "Saved.";
      }
    });
    const current = document.querySelector("nav [aria-current]");
    if (current) {
      const bar = current.closest("nav");
      bar.scrollLeft = current.offsetLeft - bar.clientWidth / 2 + current.clientWidth / 2;
    }
    let waiting = null;
    window.addEventListener("resize", function () {
      clearTimeout(waiting);
      waiting = setTimeout(() => drawAll(true), 180);
    });
    drawAll(false);
  });
})();
