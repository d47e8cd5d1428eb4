// Paints in a worker, so that the page answers while it works. "start" takes the runtime and the
// networks, "read" a painting, "paint" a photo; "mask" changes where the last painting shows, and
// "enlarge" gives it at the photo's size, unless "stop" comes first.
const SMALLEST = 5; // px of a side that a network accepts
const UNIT = 16, CLOSEST = 144; // px that sides are divided by where places of a painting are taken, and the least
const CANVAS = 512, AREA = 2 ** 19; // px of a painting's short side there, at most, and in all
const BROADER = 0.7; // of the side there, without a graphics card: places need four times as long
const SOON = ["places", "neighbors"]; // made ready in spare time
const CERTAIN = 0.1; // likelihoods of people this near to 0 or 1 become 0 or 1
const FEWEST = 2e-3; // share of a photo that is a person
const SOFTEST = 0.05; // reach of the widest soft edge, of the longer side
const LUMA = [0.299, 0.587, 0.114];
const sessions = new Map(), places = new WeakMap(), people = new WeakMap(); // network or image -> what was made of it
let spare, programs, sure, lastWork, gpu, whole, asked, small, painted, area, keepsColors, byPlaces, last, brush, stopped;

onmessage = async ({ data }) => {
  clearTimeout(spare);
  try {
    postMessage({ id: data.id, ...(await tasks[data.task](data)) });
  } catch (error) {
    postMessage({ id: data.id, error: String(error.message || error) });
  }
  spare = setTimeout(prepare, 1000);
};

const tasks = {
  async start({ mjs, wasm, first, ...given }) {
    // Threads begin at a blob's address; a page that is a file reads none in a worker of Safari's.
    const script = self.crossOriginIsolated && URL.createObjectURL(new Blob([mjs], { type: "text/javascript" }));
    ort.env.wasm.wasmPaths = { mjs: script || `data:text/javascript,${encodeURIComponent(mjs)}` };
    ort.env.wasm.wasmBinary = await inflated(wasm);
    // Threads need memory that browsers share only with pages of an isolated server.
    ort.env.wasm.numThreads = self.crossOriginIsolated ? navigator.hardwareConcurrency : 1;
    ort.env.logLevel = "error";
    ({ programs, sure, gpu } = given);
    await session(first).catch(leaveGpu);
  },

  // A painting's row of scales and shifts, and the moments of its colors.
  async read({ work, short }) {
    const reader = await session("reader", "wasm");
    const { style, palette } = await reader.run({ painting: tensor(resized(work.image, short)) });
    return { row: style.data, moments: [0, 1, 2, 3].map((i) => [...palette.data.slice(4 * i, 4 * i + 4)]) };
  },

  async paint({ image, short, colors, mask, ...how }) {
    const photo = image || whole, same = !image && short === asked && !how.work === !byPlaces; // else that of the last call
    const seen = same ? small : resized(photo, sideOf(photo, short, how.work));
    let made = await repainted(seen, how);
    if (colors) made.data = recolored(made.data, seen.data);
    if (mask.draws) drawFaces(made, seen, facesIn(await peopleIn(photo, mask), photo));
    const strokes = how.strokes && strokesOf(made);
    if (strokes) made = brushed(strokes, made.width, made.height);
    [whole, small, painted, brush] = [photo, seen, made, strokes]; // all or, after a failure, nothing
    [asked, keepsColors, byPlaces, last] = [short, colors, how.work, how];
    return tasks.mask({ mask });
  },

  // The last painting, transparent where the photo stays.
  async mask({ mask }) {
    area = await areaOf(mask);
    const shown = new ImageData(small.width, small.height), shares = sharesOf(area.rows), n = shares.length;
    write(shown, painted);
    shares.forEach((part, i) => (shown.data[4 * i + 3] = 255 * part));
    const sum = shares.reduce((all, part) => all + part, 0);
    const one = !mask.edits && mask.area !== "all" && (sum < FEWEST * n || sum > (1 - FEWEST) * n); // all of it, or none
    return { image: shown, gpu, seen: area.seen && !one };
  },

  // The middle of the photo; its faces are where those of the last painting's photo are.
  async thumbnail({ image, faces, ...how }) {
    const seen = planes(image), made = await repainted(seen, how), found = faces && people.get(whole);
    if (found) drawFaces(made, seen, inSquare(facesIn(found, whole), whole));
    write(image, made);
    return { image };
  },

  stop() {
    stopped = true;
  },

  // The last painting at the photo's size, with the photo's detail where the painting kept its
  // edges; as `enlarged` in finish.py. At another size, `image`, it is painted anew.
  async enlarge({ id, strength, image }) {
    stopped = false;
    const keeps = keepsColors && !brush, masked = area; // strokes have them already; settings may change meanwhile
    const { width, height } = image || whole, data = image ? image.data : whole.data.slice();
    const [seen, made] = image || brush ? await anew(image || whole) : [small, painted];
    const same = width === seen.width && height === seen.height, light = same ? null : luminance(seen);
    const sources = same ? [] : [made.data, light, follows(made, light)];
    const rows = sources
      .flatMap((source) => split(source, seen))
      .map((plane) => resampler(plane, seen, width, height, cubic));
    const n = seen.width * seen.height, painting = masked.rows(width, height), color = [0, 0, 0];
    for (let y = 0; y < height; y++) {
      const share = painting(y), line = rows.map((row) => row(y));
      for (let x = 0; x < width; x++) {
        const at = 4 * (y * width + x), i = y * width + x;
        const red = data[at] / 255, green = data[at + 1] / 255, blue = data[at + 2] / 255;
        const own = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
        const weight = strength * share(x, red, green, blue);
        for (let c = 0; c < 3; c++) {
          const value = same ? made.data[c * n + i] : line[c][x] + line[4 + c][x] * (own - line[3][x]);
          color[c] = bounded(value);
        }
        if (keeps && !same) {
          const lighter = LUMA[0] * (color[0] - red) + LUMA[1] * (color[1] - green) + LUMA[2] * (color[2] - blue);
          color[0] = red + lighter, color[1] = green + lighter, color[2] = blue + lighter;
        }
        for (let c = 0; c < 3; c++)
          data[at + c] = Math.round(data[at + c] + weight * (255 * bounded(color[c]) - data[at + c]));
      }
      if (y % 100 === 0) {
        postMessage({ id, progress: y / height });
        await new Promise((done) => setTimeout(done)); // so that "stop" is heard
        if (stopped) return {};
      }
    }
    return { image: new ImageData(data, width, height) };
  },
};

// The photo at another size as it is painted then, and painted with strokes of that size.
async function anew(image) {
  const [keeps, photo, found] = [keepsColors, whole, people.get(whole)];
  if (brush) {
    const seen = resized(image, sideOf(image));
    return [seen, brushed(brush, seen.width, seen.height)];
  }
  const larger = (asked * image.width) / whole.width, seen = resized(image, sideOf(image, larger, byPlaces)), made = await repainted(seen, last);
  if (keeps) made.data = recolored(made.data, seen.data);
  if (found) drawFaces(made, seen, facesIn(found, photo));
  return [seen, made];
}

// The short side to paint at, for a network or with the places of a painting.
function sideOf({ width, height }, short, taken) {
  const most = Math.sqrt(Math.min(1, (taken ? CLOSE : LARGEST) / (width * height))) * Math.min(width, height);
  const side = Math.min(short || most, most);
  return taken ? Math.max(CLOSEST, Math.round(side * (gpu ? 1 : BROADER))) : side;
}

// An image in a style: three planes in [0, 1].
async function repainted(image, { network, row, palette, work }) {
  const { width, height } = image;
  const given = fitted(image, work ? inPlaces(Math.ceil) : (length) => Math.max(length, SMALLEST));
  const paint = async () => {
    const input = { photo: tensor(given) };
    if (!work) input.style = new ort.Tensor("float32", row, [1, row.length]);
    else Object.assign(input, { own: (await placesOf(image, () => given)).keys }, await placesOfWork(work));
    return (await session(network)).run(input);
  };
  const had = gpu, found = (await paint().catch((error) => leaveGpu(error, had).then(paint))).painted.data;
  if (palette) approach(found, palette);
  const inside = found.map(bounded);
  return { data: cut(inside, given.width, given.height, width, height), width, height };
}

// An image whose sides a network accepts: cut, or with its edges repeated.
function fitted({ data, width, height }, sideFor) {
  const [wide, high] = [width, height].map(sideFor);
  return { data: cut(data, width, height, wide, high), width: wide, height: high };
}
const inPlaces = (round) => (length) => Math.max(CLOSEST, UNIT * round(length / UNIT));

// The places of an image, remembered as long as it is.
async function placesOf(image, seen) {
  if (!places.has(image)) places.set(image, await (await session("places")).run({ image: tensor(seen()) }));
  return places.get(image);
}
function placesOfWork(work) {
  if (work.id !== lastWork?.id) lastWork = work;
  const { image } = work, [short, long] = [image.width, image.height].sort((a, b) => a - b);
  const side = Math.min(CANVAS, short, Math.sqrt((AREA * short) / long));
  return placesOf(lastWork, () => fitted(resized(image, sideOf(image, side, true)), inPlaces(Math.floor)));
}

// The luma of a painting with the chroma of the photo; `recolor` in finish.py.
function recolored(data, photo) {
  const n = data.length / 3;
  for (let i = 0; i < n; i++) {
    const lighter = LUMA.reduce((sum, part, c) => sum + part * (data[c * n + i] - photo[c * n + i]), 0);
    for (let c = 0; c < 3; c++) data[c * n + i] = bounded(photo[c * n + i] + lighter);
  }
  return data;
}

// What is painted of the photo: whether a person was asked for and seen, and a function that gives,
// for a size and then a row, the share at a column with this color.
async function areaOf({ edits, feather, invert, ...what }) {
  let { seen, rows } = await peopleOf(what);
  if (edits) rows = corrected(rows, edits);
  if (invert) rows = inverted(rows);
  return { seen, rows: feather ? softened(rows, feather) : rows };
}

// Corrections by hand: white is painted, black stays a photo, and what is transparent is left.
const corrected = (rows, edits) => (width, height) => {
  const at = rows(width, height), [value, weight] = [0, 3].map((c) => resampler(edits.data, edits, width, height, linear, 4, c));
  return (y) => {
    const share = at(y), values = value(y), weights = weight(y);
    return (x, ...color) => {
      const before = share(x, ...color), wanted = weights[x] && values[x] / weights[x] > 0.5 ? 1 : 0;
      return before + (weights[x] / 255) * (wanted - before);
    };
  };
};
const inverted = (rows) => (width, height) => {
  const at = rows(width, height);
  return (y) => {
    const share = at(y);
    return (x, ...color) => 1 - share(x, ...color);
  };
};

// A mask at the painted size.
function sharesOf(rows) {
  const { data, width, height } = small, n = width * height, at = rows(width, height), shares = new Float32Array(n);
  for (let y = 0, i = 0; y < height; y++) {
    const share = at(y);
    for (let x = 0; x < width; x++, i++) shares[i] = share(x, data[i], data[n + i], data[2 * n + i]);
  }
  return shares;
}

// A soft edge, from the mask at the painted size.
function softened(rows, feather) {
  const { width, height } = small, shares = sharesOf(rows);
  const reach = Math.max(1, Math.round((SOFTEST * feather * Math.max(width, height)) / 2));
  const soft = boxed(boxed(shares, width, height, reach), width, height, reach);
  return (wide, high) => {
    const row = resampler(soft, { width, height }, wide, high, linear);
    return (y) => {
      const line = row(y);
      return (x) => line[x];
    };
  };
}

// What the networks for people see, remembered as long as the photo is.
async function peopleIn(photo, { stretched, padded }) {
  if (!people.has(photo)) people.set(photo, await (await session("people", "wasm")).run({ stretched: tensor(planes(stretched)), padded: tensor(planes(padded)) }));
  return people.get(photo);
}
// The people in a photo, or the rest of it; `likelihood` in people.py.
async function peopleOf({ area, stretched, padded }) {
  if (area === "all") return { seen: true, rows: () => () => () => 1 };
  const found = await peopleIn(whole, { stretched, padded }), seen = facesIn(found, whole).length > 0, inside = area === "person";
  if (!seen) return { seen, rows: () => () => () => (inside ? 0 : 1) };
  const sources = [...split(found.slope.data, stretched), found.offset.data];
  const rows = (width, height) => {
    const lines = sources.map((plane) => resampler(plane, stretched, width, height, linear));
    return (y) => {
      const [r, g, b, offset] = lines.map((line) => line(y));
      return (x, red, green, blue) => {
        const likely = r[x] * red + g[x] * green + b[x] * blue + offset[x];
        const person = bounded((likely - CERTAIN) / (1 - 2 * CERTAIN));
        return inside ? person : 1 - person;
      };
    };
  };
  return { seen, rows };
}

const tensor = ({ data, width, height }) => new ort.Tensor("float32", data, [1, 3, height, width]);

async function inflated(data) {
  const stream = new Response(data).body.pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// One after the other: a graphics card makes one at a time.
async function prepare() {
  for (const name of SOON) if (name in programs) await session(name).catch(() => {});
}

// The runtime does one thing at a time: on a graphics card, others would come in between.
let turn = Promise.resolve();
const inTurn = (act) => (turn = turn.catch(() => {}).then(act));

// A network, ready to run.
function session(name, provider = gpu ? "webgpu" : "wasm") {
  if (!sessions.has(name)) {
    const made = inflated(programs[name])
      .then((program) => inTurn(() => ort.InferenceSession.create(program, { executionProviders: [provider] })))
      .then((one) => ({ run: (given) => inTurn(() => one.run(given)) }));
    made.catch(() => sessions.delete(name)); // the next call tries again
    sessions.set(name, made);
  }
  return sessions.get(name);
}

// A graphics card may have too little memory, or none left.
async function leaveGpu(error, had = gpu) {
  if (!had) throw error;
  if (gpu) sessions.clear(); // unless another call has left it meanwhile
  gpu = false;
}
