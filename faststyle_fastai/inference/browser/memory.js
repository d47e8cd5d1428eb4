// What a browser's memory holds.
const LARGEST = 4e6; // pixels that are painted; larger photos are painted smaller and enlarged
const CLOSE = 1.6e6; // pixels where places of a painting are taken: they need memory
