// Web vitals of this document and of every soft navigation inside it, pushed to the runner as they change.
// Own observers, because the usual library reports when the page is hidden, which a driven browser never sees in time.
(() => {
  if (window !== window.top || location.protocol === "about:" || !window.PerformanceObserver) return;
  const send = window.__sixfb_vitals;
  if (!send) return;
  const supported = PerformanceObserver.supportedEntryTypes || [];
  const documentId = Math.random().toString(36).slice(2) + Date.now().toString(36);
  const QUIET = 500; // ms without a new paint or shift before a touch counts as late enough

  const visit = (kind, url, start) => ({
    kind, url, start, fcp: null, lcp: null, lcpTarget: null, ttfb: null, fid: null, fidTarget: null,
    cls: 0, clsTarget: null, windowSum: 0, windowStart: 0, windowEnd: -Infinity, worst: 0,
    interactions: new Map(), inpTarget: null, cut: false, touched: false, pressed: false, touchedTarget: null, last: start,
  });
  const visits = [visit("hard", location.href, 0)];
  const current = () => visits[visits.length - 1];
  // A soft navigation starts at the very time of the click that caused it, and that click belongs to the page before.
  const at = (time) => {
    for (let i = visits.length - 1; i > 0; i--) if (visits[i].start < time) return visits[i];
    return visits[0];
  };

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

  // The worst interaction, leaving out one of every fifty: https://web.dev/articles/inp
  const inp = (v) => {
    const worst = [...v.interactions.values()].sort((a, b) => b - a);
    if (worst.length) return worst[Math.min(worst.length - 1, Math.floor(worst.length / 50))];
    return v.pressed ? 8 : null; // an interaction under 16 ms has no entry; entries are rounded to 8 ms
  };

  const clean = (v) => ({
    kind: v.kind, url: v.url, fcp: v.fcp, lcp: v.lcp, ttfb: v.ttfb, fid: v.fid, inp: inp(v), cls: v.worst,
    cut: v.cut, lcpTarget: v.lcpTarget, clsTarget: v.clsTarget, inpTarget: v.inpTarget, fidTarget: v.fidTarget,
  });
  let queued = false;
  const push = () => {
    queued = false;
    const last = current().last;
    send(JSON.stringify({ document: documentId, quiet: performance.now() - last, soft: supported.includes("soft-navigation"), visits: visits.map(clean) }));
  };
  const soon = () => { if (!queued) { queued = true; queueMicrotask(push); } };

  const seen = (v, time) => { v.last = Math.max(v.last, time); };

  // Session windows of at most 5 s, closed by a gap of 1 s: https://web.dev/articles/cls
  const shift = (entry) => {
    const v = at(entry.startTime);
    seen(v, entry.startTime);
    if (entry.hadRecentInput) return;
    const sameWindow = entry.startTime - v.windowEnd < 1000 && entry.startTime - v.windowStart < 5000;
    if (!sameWindow) { v.windowSum = 0; v.windowStart = entry.startTime; }
    v.windowSum += entry.value;
    v.windowEnd = entry.startTime;
    if (v.windowSum > v.worst) {
      v.worst = v.windowSum;
      const source = (entry.sources || []).find((s) => s.node);
      v.clsTarget = source ? selector(source.node) : v.clsTarget;
    }
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
    v.lcp = paint.startTime - v.start;
    v.lcpTarget = selector(paint.element);
    seen(v, paint.startTime);
    if (v.fcp === null) v.fcp = v.lcp;
  };

  const interaction = (e) => {
    if (!e.interactionId) return;
    const v = at(e.startTime);
    const before = v.interactions.get(e.interactionId) || 0;
    if (e.duration > before) v.interactions.set(e.interactionId, e.duration);
    if (e.duration >= inp(v)) v.inpTarget = selector(e.target) || v.touchedTarget;
  };

  const handlers = {
    "paint": (e) => { if (e.name === "first-contentful-paint") visits[0].fcp = e.startTime; },
    "largest-contentful-paint": (e) => {
      visits[0].lcp = e.startTime; visits[0].lcpTarget = selector(e.element); seen(visits[0], e.startTime);
    },
    "layout-shift": shift,
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
  for (const [type, handle] of Object.entries(handlers)) {
    if (!supported.includes(type)) continue;
    const observer = new PerformanceObserver((list) => { list.getEntries().forEach(handle); soon(); });
    observer.observe({ type, buffered: true, durationThreshold: 16 });
    observers.push([observer, handle]);
  }

  const navigation = () => {
    const entry = performance.getEntriesByType("navigation")[0];
    if (entry && entry.responseStart > 0) visits[0].ttfb = entry.responseStart;
  };
  addEventListener("load", () => { navigation(); soon(); });

  // A touch before the page came to rest clips LCP and hides shifts: such a page must not be graded.
  const touch = (event) => {
    lastTouch = event.timeStamp;
    const v = current();
    v.touchedTarget = selector(event.target); // kept as words: the element may be gone when its entry comes
    if (event.type !== "input" && event.isTrusted) v.pressed = true;
    if (v.touched) return;
    v.touched = true;
    v.cut = document.readyState !== "complete" || performance.now() - v.last < QUIET;
  };
  for (const type of ["pointerdown", "keydown", "input"]) addEventListener(type, touch, { capture: true, passive: true });

  addEventListener("beforeunload", () => {
    for (const [observer, handle] of observers) observer.takeRecords().forEach(handle);
    navigation();
    push();
  });
})();
