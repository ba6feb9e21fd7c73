"""What a browser is asked about the looks of a page: each expression lists the texts that are wrong."""

OVERLAPS = r"""() => {
  const found = [];
  for (const svg of document.querySelectorAll(".chart svg")) {
    const texts = [...svg.querySelectorAll("text")].filter((text) =>
      text.textContent.trim() && text.getAttribute("opacity") !== "0" && !text.getAttribute("stroke")
      && !/rotate\((?!-90|270)/.test(text.getAttribute("transform")));
    const boxes = texts.map((text) => [text.getBoundingClientRect(), text.textContent]);
    for (const [i, [a, one]] of boxes.entries()) {
      for (const [b, other] of boxes.slice(i + 1)) {
        const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (wide > 2 && high > 4) found.push(`${svg.closest(".chart").dataset.name}: ${one} / ${other}`);
      }
    }
  }
  return found;
}"""
CUT = """() => [...document.querySelectorAll(".chart svg")].flatMap((svg) => {
  const frame = svg.getBoundingClientRect();
  return [...svg.querySelectorAll("text")].filter((text) => {
    const box = text.getBoundingClientRect();
    return text.textContent.trim() && (box.left < frame.left - 2 || box.right > frame.right + 2
      || box.top < frame.top - 2 || box.bottom > frame.bottom + 2);
  }).map((text) => `${svg.closest(".chart").dataset.name}: ${text.textContent}`);
})"""
LEFT_OUT = """() => [...document.querySelectorAll(".chart")].flatMap((chart) =>
  [...chart.querySelectorAll("svg text")]
    .filter((text) => text.getBoundingClientRect().left < chart.getBoundingClientRect().left - 1)
    .map((text) => `${chart.dataset.name}: ${text.textContent}`))"""
"""Texts that begin outside of what a chart shows: their letters were measured in another font."""
