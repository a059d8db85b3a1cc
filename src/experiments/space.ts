// The space in which the experiments' own data lies; a user's own files and the flows of eagle may lie in a plane.

/** The number of coordinates of a point. */
export const DIMENSIONS = 3;
