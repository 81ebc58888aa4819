/** The check page's controls: tick images, and save the list of those to leave out. */
(function () {
  "use strict";

  var boxes = Array.from(document.querySelectorAll("input[data-name]"));
  var hidden = JSON.parse(document.getElementById("hidden").textContent);

  /** Return name and reason of every image that is ticked, each once, and of those that the page does not show. */
  function chosen() {
    var rows = new Map(hidden);
    boxes.forEach(function (box) {
      if (box.checked) rows.set(box.dataset.name, box.dataset.reason);
    });
    return Array.from(rows);
  }

  function quoted(text) {
    return /[",\r\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
  }

  function showCount() {
    document.getElementById("ticked").textContent = chosen().length.toLocaleString();
  }

  boxes.forEach(function (box) {
    box.addEventListener("change", function () {
      // The same image may stand in several findings.
      boxes.forEach(function (other) {
        if (other.dataset.name === box.dataset.name) other.checked = box.checked;
      });
      showCount();
    });
  });

  var button = document.getElementById("save");
  if (button) {
    showCount();
    button.addEventListener("click", function () {
      var rows = [["path", "reason"]].concat(chosen());
      var text = rows.map(function (row) { return row.map(quoted).join(",") + "\n"; }).join("");
      var link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
      link.download = "exclude.csv";
      link.click();
      setTimeout(function () { URL.revokeObjectURL(link.href); }, 1000);
    });
  }
})();
