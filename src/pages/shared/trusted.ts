// The pages' policy for trusted types: only scripts of this site become workers.

interface Policy {
  createScriptURL(url: string): string;
}
const { trustedTypes } = globalThis as { trustedTypes?: { createPolicy(name: string, policy: Policy): Policy } };

const policy = trustedTypes?.createPolicy("erwin-page", {
  createScriptURL(url) {
    if (new URL(url, location.href).origin !== location.origin)
      throw new TypeError(`${url} is not a script of this site`);
    return url;
  },
});

/** A URL of a script of this site, in the form that a page with trusted types accepts. */
export const scriptUrl = (url: string): string => policy?.createScriptURL(url) ?? url;
