// The release of Bolt that is tried: the package's own name, or an alias of an older one.

export async function loadBolt() {
  const { default: bolt } = await import(process.env.BOLT_PACKAGE ?? "@slack/bolt");
  return bolt;
}
