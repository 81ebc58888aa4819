/** The report's controls: sort the tables, show the pictures of a cell, and try thresholds. */
(function () {
  "use strict";

  function read(id) {
    var element = document.getElementById(id);
    return element ? JSON.parse(element.textContent) : null;
  }

  function percent(share) {
    return (100 * share).toFixed(1) + "%";
  }

  /** Sort the rows of a table by one column; again, the other way round. Numbers by their size. */
  function sortBy(table, column, header) {
    var down = header.getAttribute("aria-sort") !== "descending";
    table.querySelectorAll("th[aria-sort]").forEach(function (other) { other.removeAttribute("aria-sort"); });
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    var body = table.tBodies[0];
    var rows = Array.from(body.rows).map(function (row) {
      var text = row.cells[column].textContent.trim();
      var number = parseFloat(text.replace(/[,%<\s]/g, ""));
      return { row: row, text: text, number: /^[-<\d.,%\s]+$/.test(text) ? number : NaN, none: text === "\u2013" };
    });
    rows.sort(function (a, b) {
      if (a.none !== b.none) return a.none ? 1 : -1;
      var order = isNaN(a.number) || isNaN(b.number) ? a.text.localeCompare(b.text) : a.number - b.number;
      return down ? -order : order;
    });
    rows.forEach(function (entry) { body.append(entry.row); });
  }

  document.querySelectorAll("table.sortable").forEach(function (table) {
    Array.from(table.tHead.rows[0].cells).forEach(function (header, column) {
      var button = header.querySelector("button");
      if (button) button.addEventListener("click", function () { sortBy(table, column, header); });
    });
  });

  function figureOf(picture) {
    var figure = document.createElement("figure");
    var image = document.createElement("img");
    image.src = picture[0];
    image.alt = picture[1];
    var caption = document.createElement("figcaption");
    var file = document.createElement("span");
    file.className = "file";
    file.title = file.textContent = picture[1];
    var chance = document.createElement("span");
    chance.textContent = percent(picture[2]);
    caption.append(chance, file);
    figure.append(image, caption);
    return figure;
  }

  var cells = read("cells");
  var dialog = document.getElementById("pictures");
  document.querySelectorAll("[data-cell]").forEach(function (button) {
    button.addEventListener("click", function () {
      dialog.querySelector("h3").textContent = button.parentElement.title;
      dialog.querySelector(".mistakes").replaceChildren.apply(
        dialog.querySelector(".mistakes"), cells[button.dataset.cell].map(figureOf)
      );
      dialog.showModal();
    });
  });

  var steps = read("steps");
  var slider = document.getElementById("threshold");
  function showStep() {
    var step = steps[slider.value];
    var out = document.getElementById("answered");
    out.querySelector(".from").textContent = percent(step.threshold);
    out.querySelector(".coverage").textContent = percent(step.coverage);
    out.querySelector(".accuracy").textContent = percent(step.accuracy);
    var mark = document.querySelector(".coverage-mark");
    mark.setAttribute("cx", mark.dataset.left * 1 + mark.dataset.width * step.coverage);
    var low = mark.dataset.low * 1;
    mark.setAttribute("cy", mark.dataset.top * 1 + mark.dataset.height * (1 - (step.accuracy - low) / (1 - low)));
  }
  if (slider) {
    slider.addEventListener("input", showStep);
    showStep();
  }
})();
