globalThis.tidewireWords = {};
