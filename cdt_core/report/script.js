"use strict";
(function () {
  var root = document.documentElement, theme = document.getElementById("theme");
  theme.hidden = false;
  theme.addEventListener("click", function () {
    var dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
  function key(row, column) {
    var cell = row.children[column], value = cell.dataset.v === undefined ? cell.textContent.trim() : cell.dataset.v;
    return value !== "" && isFinite(value) ? Number(value) : value.toLowerCase();
  }
  document.querySelectorAll("table.sortable").forEach(function (table) {
    table.dataset.live = "1";
    var body = table.tBodies[0], heads = Array.from(table.tHead.rows[0].cells);
    heads.forEach(function (head, column) {
      head.tabIndex = 0;
      function sort() {
        var down = head.getAttribute("aria-sort") === "ascending", sign = down ? -1 : 1;
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        Array.from(body.rows).sort(function (a, b) {
          var x = key(a, column), y = key(b, column);
          return sign * (typeof x === typeof y ? (x < y ? -1 : x > y ? 1 : 0) : typeof x === "number" ? -1 : 1);
        }).forEach(function (row) { body.appendChild(row); });
      }
      head.addEventListener("click", sort);
      head.addEventListener("keydown", function (event) { if (event.key === "Enter") { sort(); } });
    });
    if (body.rows.length > 12) {
      var box = document.createElement("input");
      box.type = "search"; box.className = "filter"; box.placeholder = "filter variables";
      box.setAttribute("aria-label", "filter variables");
      box.addEventListener("input", function () {
        var wanted = box.value.toLowerCase();
        Array.from(body.rows).forEach(function (row) { row.hidden = row.textContent.toLowerCase().indexOf(wanted) < 0; });
      });
      table.parentNode.parentNode.insertBefore(box, table.parentNode);
    }
  });
  addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (d) { d.open = true; });
  });
})();
