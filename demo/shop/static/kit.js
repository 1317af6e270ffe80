// The shop's own copy of a library that pages load from a third party.
window.Kit = { from: "the shop" };
