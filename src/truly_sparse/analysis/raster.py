"""A canvas that draws the same pixels on every processor: Matplotlib's own, with all places on a fine grid.

Places on a page come from products of matrices, whose last digits hang on the BLAS kernels of the machine. Where three
points lie on a line, or a place in the middle between two pixels, these digits show: accuracies are fractions of one
number of rows, so that it happens. `Figure.savefig(..., backend=CANVAS)` uses this canvas.
"""

from typing import Any

import numpy as np
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, Bbox, IdentityTransform, Transform

CANVAS = f"module://{__name__}"
#: Decimals of a place in pixels: far below what can be seen, far above what differs.
_DECIMALS = 6


class _Renderer(RendererAgg):
    """Agg, with places rounded before they are drawn."""

    # Path by path, each of which is rounded.
    draw_path_collection = RendererBase.draw_path_collection
    draw_quad_mesh = RendererBase.draw_quad_mesh

    def __init__(self, width: int, height: int, dpi: float) -> None:
        super().__init__(width, height, dpi)
        for name in ("draw_path_collection", "draw_quad_mesh", "draw_markers"):
            delattr(self, name)  # Agg's own, which stand on the instance

    def draw_path(self, gc: Any, path: Path, transform: Transform, rgbFace: Any = None) -> None:
        super().draw_path(_clipped(gc), _placed(path, transform), IdentityTransform(), rgbFace)

    def draw_markers(
        self,
        gc: Any,
        marker_path: Path,
        marker_trans: Transform,
        path: Path,
        trans: Transform,
        rgbFace: Any = None,
    ) -> None:
        size = Affine2D(marker_trans.get_matrix().round(_DECIMALS))
        places = _placed(path, trans), IdentityTransform()
        self._renderer.draw_markers(_clipped(gc), marker_path, size, *places, rgbFace)

    def draw_text(self, gc: Any, x: float, y: float, *rest: Any, **options: Any) -> None:
        super().draw_text(_clipped(gc), round(float(x), _DECIMALS), round(float(y), _DECIMALS), *rest, **options)


def _placed(path: Path, transform: Transform) -> Path:
    """Return a path in rounded pixels; whether it may be simplified stays as it was."""
    placed = path.deepcopy()
    placed.vertices = np.round(transform.transform(path.vertices), _DECIMALS)
    placed.should_simplify, placed.simplify_threshold = path.should_simplify, path.simplify_threshold
    return placed


def _clipped(gc: Any) -> Any:
    """Round the rectangle outside of which nothing is drawn."""
    clip = gc.get_clip_rectangle()
    if clip is not None:
        gc.set_clip_rectangle(Bbox(np.round(clip.get_points(), _DECIMALS)))
    return gc


class FigureCanvas(FigureCanvasAgg):
    """The canvas; Matplotlib asks a backend's module for it under this name."""

    _drawn_for: tuple[float, ...] = ()

    def get_renderer(self) -> RendererAgg:
        """Return the renderer, a new one where the size of the figure has changed."""
        wanted = (*self.get_width_height(physical=True), self.figure.dpi)
        if self._drawn_for != wanted:
            self.renderer, self._drawn_for = _Renderer(*wanted), wanted
        return self.renderer
