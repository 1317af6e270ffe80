// Outlines what differs between two pictures, and copies the text.
"use strict";
const BLOCK = 16; // pixels; a difference smaller than a letter is noise of the picture's compression
const NOISE = 36; // of 255, the mean difference of a block's colours
const MOST_BOXES = 6;

function pixels(image, width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const drawn = canvas.getContext("2d", { willReadFrequently: true });
  drawn.drawImage(image, 0, 0, width, height);
  return drawn.getImageData(0, 0, width, height).data;
}

// The blocks whose colours differ, joined with their neighbours into boxes, the largest first.
function differences(one, other) {
  const [width, height] = [one.naturalWidth, one.naturalHeight];
  const [a, b] = [pixels(one, width, height), pixels(other, width, height)];
  const [columns, rows] = [Math.ceil(width / BLOCK), Math.ceil(height / BLOCK)];
  const differs = new Uint8Array(columns * rows);
  for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) {
    let sum = 0, n = 0;
    for (let y = row * BLOCK; y < Math.min(height, (row + 1) * BLOCK); y++) for (let x = column * BLOCK; x < Math.min(width, (column + 1) * BLOCK); x++, n++) {
      const i = (y * width + x) * 4;
      sum += Math.max(Math.abs(a[i] - b[i]), Math.abs(a[i + 1] - b[i + 1]), Math.abs(a[i + 2] - b[i + 2]));
    }
    differs[row * columns + column] = sum / n > NOISE ? 1 : 0;
  }
  const boxes = [];
  for (let start = 0; start < differs.length; start++) {
    if (!differs[start]) continue;
    const box = { left: columns, top: rows, right: 0, bottom: 0, n: 0 };
    const open = [start];
    differs[start] = 0;
    while (open.length) {
      const at = open.pop(), column = at % columns, row = (at - column) / columns;
      box.left = Math.min(box.left, column); box.right = Math.max(box.right, column + 1);
      box.top = Math.min(box.top, row); box.bottom = Math.max(box.bottom, row + 1);
      box.n++;
      // Blocks up to two apart belong together: the letters of one sentence are not one box each.
      for (let dy = -2; dy <= 2; dy++) for (let dx = -2; dx <= 2; dx++) {
        const [x, y] = [column + dx, row + dy];
        if (x < 0 || y < 0 || x >= columns || y >= rows || !differs[y * columns + x]) continue;
        differs[y * columns + x] = 0;
        open.push(y * columns + x);
      }
    }
    boxes.push(box);
  }
  const all = boxes.reduce((sum, box) => sum + box.n, 0);
  boxes.sort((x, y) => y.n - x.n);
  return { boxes: boxes.slice(0, MOST_BOXES), share: all / (columns * rows), columns, rows };
}

async function outline() {
  const mine = document.querySelector('[data-shot="this"] img'), good = document.querySelector('[data-shot="good"] img');
  if (!mine || !good) return;
  await Promise.all([mine.decode(), good.decode()]);
  const found = differences(mine, good);
  const said = document.querySelector("[data-differs]");
  said.textContent = found.boxes.length ? `Outlined: what is different, ${Math.max(1, Math.round(found.share * 100))} % of the picture.` : "It looks like the good one.";
  said.hidden = false;
  if (found.share > 0.8) { said.textContent = "It is another picture altogether."; return; }
  for (const box of found.boxes) {
    const mark = document.createElement("i");
    mark.style.left = `${(box.left / found.columns) * 100}%`;
    mark.style.top = `${(box.top / found.rows) * 100}%`;
    mark.style.width = `${((box.right - box.left) / found.columns) * 100}%`;
    mark.style.height = `${((box.bottom - box.top) / found.rows) * 100}%`;
    mine.parentElement.append(mark);
  }
}
outline().catch(() => {}); // a picture that cannot be read is shown as it is

async function put(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea"); // plain http has no clipboard
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("not copied");
}

for (const link of document.querySelectorAll("[data-copy]")) {
  link.addEventListener("click", async (event) => {
    event.preventDefault();
    try {
      const answer = await fetch(link.href);
      if (!answer.ok || answer.redirected) throw new Error(answer.status);
      await put(await answer.text());
      document.getElementById("copied").textContent = "Copied as Markdown.";
    } catch {
      location.assign(link.href); // to be copied by hand
    }
  });
}
