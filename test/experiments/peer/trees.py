"""Ball trees and graphs as the specification defines them, written for clarity: NumPy, float64, recursion."""

import math

import numpy as np
import torch

import compatibility  # noqa: F401
from erwin import Tree


def partition(points, indices, parts):
    """Halves `indices` at the median of the axis of largest spread until there are `parts` of them; ties go by index."""
    if parts == 1:
        return [indices]
    axis = np.argmax(np.ptp(points[indices], axis=0))
    order = indices[np.lexsort((indices, points[indices, axis]))]
    half = len(order) // 2
    return partition(points, order[:half], parts // 2) + partition(points, order[half:], parts // 2)


def rotation(degrees, dimensions):
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    if dimensions == 2:
        return np.array([[c, -s], [s, c]])
    return np.array([[c * c, s * c * (s - 1), s * (s + c * c)], [s * c, s * s * s + c * c, s * c * (s - 1)], [-s, s * c, c * c]])


def slots_of(points):
    """The point in each slot of a cloud's tree, and whether it is the point itself (1) or a duplicate (0)."""
    slots = []
    for leaf in partition(points, np.arange(len(points)), 2 ** max(0, math.ceil(math.log2(len(points))) - 1)):
        if len(leaf) == 1:
            slots += [(leaf[0], 1), (leaf[0], 0)]
            continue
        axis = np.argmax(np.ptp(points[leaf], axis=0))
        slots += [(point, 1) for point in leaf[np.argsort(points[leaf, axis], kind="stable")]]
    return np.array(slots).T


def build_tree(points, config):
    """The tree of one cloud [N, D], given to the model's sizes; every ball size must fit into the tree."""
    points = points.astype(float)
    index, mask = slots_of(points)
    level = points[index] @ rotation(config["rotate"], points.shape[1])
    rotated, balls = [], []
    for depth, size in enumerate(config["ball_sizes"]):
        size = min(size, len(level))
        balls.append(size)
        rotated.append(np.concatenate(partition(level, np.arange(len(level)), len(level) // size)))
        if depth < len(config["strides"]):
            level = level.reshape(-1, config["strides"][depth], level.shape[1]).mean(1)
    return index, mask, rotated, balls


def join_trees(trees, sizes):
    """One tree for a batch of clouds; their balls must be of the same sizes."""
    assert all(balls == trees[0][3] for *_, balls in trees), "the clouds of a batch have balls of different sizes"
    join = lambda arrays, counts: torch.from_numpy(  # noqa: E731
        np.concatenate([array + start for array, start in zip(arrays, np.cumsum([0, *counts]))])
    )
    levels = [[tree[2][depth] for tree in trees] for depth in range(len(trees[0][2]))]
    return Tree(
        join([tree[0] for tree in trees], sizes),
        torch.from_numpy(np.concatenate([tree[1] for tree in trees])),
        [join(orders, [len(order) for order in orders]) for orders in levels],
        trees[0][3],
    )


def nearest_neighbours(points, k, loop):
    """Edges [2, M] from the k nearest points to each point, itself among them if `loop`."""
    distances = ((points[:, None].astype(float) - points[None]) ** 2).sum(-1)
    if not loop:
        np.fill_diagonal(distances, np.inf)
    sources = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.stack([sources.ravel(), np.repeat(np.arange(len(points)), sources.shape[1])])


def sides_of(triangles):
    """Edges [2, M]: each side of a triangle once in both directions."""
    sides = np.concatenate([triangles[:, pair] for pair in ([0, 1], [1, 2], [2, 0])]).astype(np.int64)
    sides = np.unique(np.sort(sides, 1), axis=0).T
    return np.concatenate([sides, sides[::-1]], 1)


def join_edges(edges, sizes):
    """One graph for a batch of clouds."""
    starts = np.cumsum([0, *sizes])
    return torch.from_numpy(np.concatenate([edge + start for edge, start in zip(edges, starts)], 1)).long()
