// What is wrong with a page as it is laid out now, in words: called with the smallest type that a figure may have, in pixels.
(least) => {
  const text = (element) => element.textContent.trim().replace(/\s+/g, " ").slice(0, 50);
  const seen = (element) => element.checkVisibility({ contentVisibilityAuto: true }) && element.getClientRects().length;
  const box = (element) => { const range = document.createRange(); range.selectNodeContents(element); return range.getBoundingClientRect(); };
  const across = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const along = (a, b) => Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  const found = [];

  for (const row of document.querySelectorAll("table tr")) {
    const cells = [...row.children].filter(seen);
    cells.slice(1).forEach((next, k) => {
      const [content, place] = [box(cells[k]), next.getBoundingClientRect()];
      if (across(content, place) > 1 && along(content, place) > 1) found.push(`cell over cell: ${text(cells[k])}`);
    });
  }
  for (const figure of [...document.querySelectorAll("figure svg")].filter(seen)) {
    const frame = figure.getBoundingClientRect(), texts = [...figure.querySelectorAll("text")], boxes = texts.map((one) => one.getBoundingClientRect());
    texts.forEach((one, k) => {
      const [own, matrix] = [boxes[k], one.getScreenCTM()];
      const size = parseFloat(getComputedStyle(one).fontSize) * Math.hypot(matrix.a, matrix.b);
      if (own.left < frame.left - 1 || own.right > frame.right + 1 || own.top < frame.top - 1 || own.bottom > frame.bottom + 1) found.push(`text leaves its figure: ${text(one)}`);
      if (size < least) found.push(`figure text of ${size.toFixed(1)} px: ${text(one)}`);
      const other = boxes.findIndex((two, n) => n > k && across(own, two) > 2 && along(own, two) > 0.35 * Math.min(own.height, two.height));
      if (other >= 0) found.push(`figure texts overlap: ${text(one)} / ${text(texts[other])}`);
    });
  }
  for (const one of [...document.querySelectorAll("pre, .formula, .statement")].filter(seen))
    if (one.scrollWidth > one.clientWidth + 2) found.push(`cut: ${text(one)}`);
  for (const one of [...document.querySelectorAll("math")].filter(seen))
    if (one.getBoundingClientRect().height < 4) found.push(`flat formula: ${text(one)}`);
  if (document.documentElement.scrollWidth > innerWidth + 1) found.push("the page scrolls sideways");
  return found;
}
