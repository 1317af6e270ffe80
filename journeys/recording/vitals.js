// Web vitals of this document and of every soft navigation inside it, pushed to the runner as they change, with what made them.
// Own observers, because the usual library reports when the page is hidden, which a driven browser never sees in time.
(() => {
  if (window !== window.top || location.protocol === "about:" || !window.PerformanceObserver) return;
  const send = window.__sixfb_vitals;
  if (!send) return;
  const supported = PerformanceObserver.supportedEntryTypes || [];
  const documentId = Math.random().toString(36).slice(2) + Date.now().toString(36);
  const QUIET = 500; // ms without a new paint or shift before a touch counts as late enough
  const FRAME = 8; // ms; the browser rounds an interaction's duration to it
  const SHORTEST = 16; // ms; a shorter interaction is not told
  const EXPECTED = 500; // ms after a touch in which the browser takes a shift for expected
  const ANIMATED = 4000; // ms after a page began in which the animations that bring it in begin; later ones are a carousel's
  const BUSY = 100; // ms after a long frame in which the page still has something to do

  const visit = (kind, url, start) => ({
    kind, url, start, fcp: null, ttfb: null, load: null, lcp: null, lcpTarget: null, lcpUrl: null,
    cls: 0, clsTarget: null, shifts: { sum: 0, start: 0, end: -Infinity, largest: 0, target: null },
    fid: null, fidTarget: null, interactions: new Map(), left: [], told: -Infinity,
    cut: false, touched: false, pressed: false, touchedTarget: null, last: start,
  });
  const visits = [visit("hard", location.href, 0)];
  const current = () => visits[visits.length - 1];
  // A soft navigation starts at the very time of the click that caused it, and that click belongs to the page before.
  const at = (time) => {
    for (let i = visits.length - 1; i > 0; i--) if (visits[i].start < time) return visits[i];
    return visits[0];
  };
  const seen = (v, time) => { v.last = Math.max(v.last, time); };

  const selector = (node) => {
    if (!node || node.nodeType !== 1) node = node && node.parentElement;
    const parts = [];
    for (; node && node.nodeType === 1 && parts.length < 3; node = node.parentElement) {
      if (node.id) { parts.unshift("#" + node.id); break; }
      const name = node.classList.length ? "." + node.classList[0] : "";
      parts.unshift(node.localName + name);
    }
    return parts.join(" > ").slice(0, 120) || null;
  };

  // Where an element is in the window now. It is held weakly: what the page removes must stay removable.
  const held = (node) => {
    if (node && node.nodeType !== 1) node = node.parentElement;
    return node ? new WeakRef(node) : null;
  };
  const boxOf = (ref) => {
    const node = ref && ref.deref();
    if (!node || !node.isConnected) return null;
    const { left, top, width, height } = node.getBoundingClientRect();
    return width && height ? [left, top, width, height].map(Math.round) : null;
  };

  // --- largest paint --------------------------------------------------------------------------------------------------

  // The browser's own list ends at 250 entries; the picture of a soft navigation may come after them.
  const resources = [];
  const keepResource = (entry) => { if (resources.push(entry) > 100) resources.shift(); };
  const asked = (entry) => entry.requestStart || entry.startTime; // a foreign server may hide when its request was sent
  const resourceOf = (url, before) => {
    const it = (entry) => entry.name === url && asked(entry) <= before;
    return resources.findLast(it) || performance.getEntriesByType("resource").findLast(it);
  };

  // First byte, wait for the picture's request, its load, wait for the paint: https://web.dev/articles/optimize-lcp
  const lcpPhases = (v) => {
    if (v.lcp === null || v.ttfb === null) return null;
    const resource = v.lcpUrl && resourceOf(v.lcpUrl, v.start + v.lcp);
    if (/^https?:/.test(v.lcpUrl) && !resource) return null; // nobody kept its times: better no phases than wrong ones
    const between = (low, time) => Math.min(v.lcp, Math.max(low, time - v.start));
    const requested = resource ? between(v.ttfb, asked(resource)) : v.ttfb;
    const loaded = resource ? between(requested, resource.responseEnd) : requested;
    return { ttfb: v.ttfb, load_delay: requested - v.ttfb, load_duration: loaded - requested, render_delay: v.lcp - loaded };
  };

  const paintLargest = (v, paint) => {
    v.lcp = paint.startTime - v.start;
    v.lcpTarget = selector(paint.element);
    v.lcpNode = held(paint.element);
    v.lcpUrl = paint.url || null;
    seen(v, paint.startTime);
  };

  // The press and the click that caused a soft navigation come a moment apart; a later touch is another one.
  const SAME_TOUCH = 100; // ms
  let lastTouch = -1;
  const touchedSince = (start) => lastTouch > start + SAME_TOUCH;
  const softly = new Map();
  const early = new Map();
  const paintSoftly = (v, entry) => {
    const paint = entry.largestContentfulPaint || entry;
    if (v.touched || paint.startTime < v.start) return;
    // The browser may tell a page that fades in only when it is touched: that paint is ours, not the page's.
    if (touchedSince(v.start) && lastTouch < paint.startTime) { v.cut = v.touched = true; return; }
    paintLargest(v, paint);
    if (v.fcp === null) v.fcp = v.lcp;
  };

  // --- layout shift ---------------------------------------------------------------------------------------------------

  // Session windows of at most 5 s, closed by a gap of 1 s: https://web.dev/articles/cls
  const shift = (entry) => {
    const v = at(entry.startTime);
    seen(v, entry.startTime);
    if (entry.hadRecentInput) return;
    const w = v.shifts;
    const sameWindow = entry.startTime - w.end < 1000 && entry.startTime - w.start < 5000;
    if (!sameWindow) Object.assign(w, { sum: 0, start: entry.startTime, largest: 0, target: null, node: null });
    w.sum += entry.value;
    w.end = entry.startTime;
    if (entry.value > w.largest) {
      const source = (entry.sources || []).find((s) => s.node); // the browser names the one that moved most first
      Object.assign(w, { largest: entry.value, target: source ? selector(source.node) : null, node: source ? held(source.node) : null });
    }
    if (w.sum > v.cls) { v.cls = w.sum; v.clsTarget = w.target; v.clsNode = w.node; }
  };

  // --- interactions ---------------------------------------------------------------------------------------------------

  // Handlers that ran before the same paint kept that paint waiting together, whosever event they handled.
  const frames = [];
  const frameOf = (e) => {
    const paint = e.startTime + e.duration;
    let frame = frames.findLast((f) => Math.abs(f.paint - paint) <= FRAME);
    if (!frame) {
      frame = { paint, began: e.processingStart, ended: e.processingEnd };
      if (frames.push(frame) > 50) frames.shift();
    }
    frame.began = Math.min(frame.began, e.processingStart);
    frame.ended = Math.max(frame.ended, e.processingEnd);
    return frame;
  };

  const isUntold = (v, touch) => touch.start > v.told + 1;
  const interaction = (e) => {
    const frame = frameOf(e);
    const v = at(e.startTime);
    v.told = Math.max(v.told, e.startTime);
    v.left = v.left.filter((t) => isUntold(v, t)); // what the browser tells itself need not be estimated
    if (!e.interactionId) return;
    const known = v.interactions.get(e.interactionId);
    const took = e.processingEnd - e.processingStart;
    const target = () => selector(e.target) || v.touchedTarget;
    const node = () => held(e.target) || v.touchedNode;
    if (!known || (e.duration > known.duration && frame !== known.frame)) {
      const { startTime: start, duration, name: type } = e;
      v.interactions.set(e.interactionId, { start, duration, frame, type, took, target: target(), node: node() });
    } else if (frame === known.frame) {
      known.duration = Math.max(known.duration, e.duration);
      if (took > known.took) Object.assign(known, { type: e.name, took, target: target(), node: node() });
    }
  };

  // The worst interaction, leaving out one of every fifty: https://web.dev/articles/inp
  const worstInteraction = (v) => {
    const worst = [...v.interactions.values(), ...v.left].sort((a, b) => b.duration - a.duration);
    return worst.length ? worst[Math.min(worst.length - 1, Math.floor(worst.length / 50))] : null;
  };

  const inp = (v) => {
    const worst = worstInteraction(v);
    if (!worst) return { inp: v.pressed ? FRAME : null }; // one of under 16 ms has no entry, and no phases
    const { start, duration, frame, target, node, type } = worst;
    const ends = start + duration;
    const began = Math.min(ends, Math.max(start, frame.began));
    const ended = Math.min(ends, Math.max(began, frame.ended));
    const phases = { input_delay: began - start, processing: ended - began, presentation: ends - ended };
    return { inp: duration, inpTarget: target, inpEvent: type, inpPhases: phases, inpEstimated: Boolean(worst.estimated), inpNode: node };
  };

  // A click that leaves the page at once paints nothing, and the browser never tells it. A message to ourselves comes when
  // its handlers are done, and still before the page goes.
  const underWay = [];
  const handled = (touches) => {
    const now = performance.now();
    for (const t of touches) {
      Object.assign(t, { duration: now - t.start, frame: { began: t.began, ended: now } });
      if (t.duration < SHORTEST || !isUntold(t.page, t)) continue;
      t.page.left = [...t.page.left.filter((other) => other !== t), t];
      soon();
    }
  };
  const channel = new MessageChannel();
  channel.port1.onmessage = () => handled(underWay.splice(0));
  const watchHandlers = (event) => {
    if (!event.isTrusted) return;
    underWay.length = 0; // the next event overtook the message: nobody knows when the handlers of the one before were done
    const { timeStamp: start, type } = event;
    underWay.push({ start, type, page: current(), began: performance.now(), target: selector(event.target), node: held(event.target), estimated: true });
    channel.port2.postMessage(null);
  };
  for (const type of ["pointerdown", "click", "keydown"]) addEventListener(type, watchHandlers, { capture: true, passive: true });

  // --- animations and long frames ----------------------------------------------------------------------------------------

  // A page that fades in paints its largest element when the animation ends, and nothing tells so before. Spinners never end.
  let animatedUntil = 0;
  // A document does not tell the animations inside its shadow trees. Looking for the trees costs more than asking them.
  const SEARCH = 250; // ms
  let trees = [], searched = -Infinity;
  const treesOf = (root) => [...root.querySelectorAll("*")].flatMap(({ shadowRoot: tree }) => tree ? [tree, ...treesOf(tree)] : []);
  const animations = (now) => {
    if (!document.getAnimations) return [];
    if (now - searched >= SEARCH) { trees = treesOf(document); searched = now; }
    return [document, ...trees].flatMap((scope) => scope.getAnimations());
  };
  const readAnimations = () => {
    const now = performance.now();
    let until = 0;
    for (const animation of animations(now)) {
      if (animation.playState !== "running" || !animation.effect || !animation.playbackRate) continue;
      const { endTime, localTime } = animation.effect.getComputedTiming();
      if (!Number.isFinite(endTime) || localTime === null || animation.startTime > current().start + ANIMATED) continue;
      const left = (animation.playbackRate > 0 ? endTime - localTime : localTime) / Math.abs(animation.playbackRate);
      if (left > 0) until = Math.max(until, now + left);
    }
    if (until > animatedUntil + FRAME) { animatedUntil = until; soon(); }
    else animatedUntil = until || Math.min(animatedUntil, now);
    return animatedUntil > now + FRAME;
  };
  let watching = false;
  const lookAgain = () => {
    readAnimations();
    watching = performance.now() < current().start + ANIMATED;
    if (watching) setTimeout(lookAgain, 50);
  };
  const watchAnimations = () => { if (!watching) { watching = true; setTimeout(lookAgain); } };
  let busyUntil = 0;

  // --- telling --------------------------------------------------------------------------------------------------------

  // Only of the page that stands in the window: the elements of those before are gone, or somewhere else.
  const boxes = (v) => (v === current() ? { lcpBox: boxOf(v.lcpNode), clsBox: boxOf(v.clsNode), inpBox: boxOf(worstInteraction(v)?.node) } : {});
  const clean = (v) => ({
    ...boxes(v), kind: v.kind, url: v.url, fcp: v.fcp, ttfb: v.ttfb, load: v.load, cls: v.cls, clsTarget: v.clsTarget, cut: v.cut,
    lcp: v.lcp, lcpTarget: v.lcpTarget, lcpUrl: v.lcpUrl, lcpPhases: lcpPhases(v), fid: v.fid, fidTarget: v.fidTarget, ...inp(v), inpNode: undefined,
  });
  const navigation = () => {
    const entry = performance.getEntriesByType("navigation")[0];
    if (entry && entry.responseStart > 0) visits[0].ttfb = entry.responseStart;
    if (entry && entry.loadEventEnd > 0) visits[0].load = entry.loadEventEnd;
  };
  let queued = false;
  const push = () => {
    queued = false;
    navigation();
    const { kind, last, start } = current();
    // A touch made this page: shifts count from when they are no longer its doing, and only then can quiet be told from luck.
    const shifts = kind === "soft" ? Math.max(last, start + EXPECTED) : last;
    const moved = Math.max(shifts, animatedUntil, busyUntil - QUIET + BUSY);
    send(JSON.stringify({ document: documentId, quiet: performance.now() - moved, soft: supported.includes("soft-navigation"), visits: visits.map(clean) }));
  };
  const soon = () => { if (!queued) { queued = true; queueMicrotask(push); } };

  const handlers = {
    "paint": (e) => { if (e.name === "first-contentful-paint") visits[0].fcp = e.startTime; },
    "largest-contentful-paint": (e) => paintLargest(visits[0], e),
    "layout-shift": shift,
    "long-animation-frame": (e) => { busyUntil = Math.max(busyUntil, e.startTime + e.duration); },
    "first-input": (e) => {
      const v = at(e.startTime);
      v.fid = e.processingStart - e.startTime; v.fidTarget = selector(e.target) || v.touchedTarget;
      interaction(e); // the only trace of a first interaction that took under 16 ms
    },
    "event": interaction,
    "soft-navigation": (e) => {
      const v = visit("soft", e.name, e.startTime);
      v.ttfb = 0;
      const paint = e.presentationTime || e.paintTime;
      if (touchedSince(v.start) && !(paint < lastTouch)) v.cut = v.touched = true;
      else if (paint) v.fcp = paint - e.startTime;
      visits.push(v);
      watchAnimations();
      softly.set(e.navigationId, v);
      (early.get(e.navigationId) || []).forEach((paint) => paintSoftly(v, paint));
      early.delete(e.navigationId);
    },
    // Its first paints come before the soft navigation itself is told.
    "interaction-contentful-paint": (e) => {
      const v = softly.get(e.navigationId);
      if (v) paintSoftly(v, e);
      else early.set(e.navigationId, [...(early.get(e.navigationId) || []), e]);
    },
  };

  const observers = [];
  const observe = (type, handle, then) => {
    const observer = new PerformanceObserver((list) => { list.getEntries().forEach(handle); then(); });
    observer.observe({ type, buffered: true, durationThreshold: SHORTEST });
    observers.push([observer, handle]);
  };
  if (supported.includes("resource")) observe("resource", keepResource, () => {});
  for (const [type, handle] of Object.entries(handlers)) {
    if (supported.includes(type)) observe(type, handle, soon);
  }

  watchAnimations();
  addEventListener("load", () => { soon(); setTimeout(push); }); // the load ends when its last handler does

  // A touch before the page came to rest clips LCP and hides shifts: such a page must not be graded.
  const touch = (event) => {
    lastTouch = event.timeStamp;
    const v = current();
    v.touchedNode = held(event.target);
    v.touchedTarget = selector(event.target); // kept as words: the element may be gone when its entry comes
    if (event.type !== "input" && event.isTrusted) v.pressed = true;
    if (v.touched) return;
    v.touched = true;
    v.cut = document.readyState !== "complete" || performance.now() - v.last < QUIET || readAnimations();
    soon(); // told before the touch is answered: the walk may end with it
  };
  for (const type of ["pointerdown", "keydown", "input"]) addEventListener(type, touch, { capture: true, passive: true });

  // A page that scrolls shows its elements elsewhere; it is told once it stands.
  let standing;
  addEventListener("scroll", () => { clearTimeout(standing); standing = setTimeout(push, 100); }, { capture: true, passive: true });

  addEventListener("beforeunload", () => {
    for (const [observer, handle] of observers) observer.takeRecords().forEach(handle);
    handled(underWay);
    push();
  });
})();
