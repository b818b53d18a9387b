// Figures with a voice: JupyterLab shows a PNG without the alternative text that its notebook holds, so that a
// screen reader says "unlabeled image". The renderer stays JupyterLab's own; it only gets the text to say.
//
// metadata["image/png"].alt, written by backlab/plot/card.py ──▶ <img alt="...">
//
// This is what a bundler would make of an extension, written by hand since it is so small: a container that
// JupyterLab asks for "./extension", after it has lent us its own modules.
(() => {
  const MIME = "image/png";
  let lent = {};

  // JupyterLab's own copy of a module, which is in use already; other extensions may bring copies of theirs
  async function module(name) {
    const copies = Object.values(lent[name]);
    return (await (copies.find((one) => one.loaded) ?? copies[0]).get())();
  }

  function named(plain) {
    return (options) => {
      const made = plain.createRenderer(options);
      const render = made.render.bind(made);
      made.render = async (model) => {
        await render(model);
        const words = model.metadata[MIME]?.alt;
        if (words) made.node.querySelector("img")?.setAttribute("alt", words);
      };
      return made;
    };
  }

  async function extension() {
    const { IRenderMimeRegistry } = await module("@jupyterlab/rendermime");
    return {
      id: "backlab-figures:alternative-text",
      description: "Figures' alternative text.",
      autoStart: true,
      requires: [IRenderMimeRegistry],
      activate: (_app, rendermime) => {
        const plain = rendermime.getFactory(MIME);
        rendermime.addFactory({ ...plain, mimeTypes: [MIME], createRenderer: named(plain) });
      },
    };
  }

  globalThis._JUPYTERLAB ??= {};
  globalThis._JUPYTERLAB["backlab-figures"] = {
    init: (modules) => { lent = modules; },
    get: async () => {
      const made = await extension();
      return () => ({ __esModule: true, default: made });
    },
  };
})();
