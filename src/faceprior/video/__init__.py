"""Video: the faces of every frame restored and put back. Needs the extra `[video]` (PyAV).

`read` -> frames (`fields`: made whole; `filters`, `colour`: RGB by their tags; `tracks`: what lies beside them);
`track`: which face is which, and where between two looks of the detector, smoothed (`smooth`) and carried along by pans
(`motion`, which sees cuts, too); `restore`: each frame as a photo, on a `canvas` of the clip's own pixels (`curve`: HDR
as a network sees it);
`cast`, `sheet`: who is which number; `write` -> the file, its sound copied; `convert` joins them.
"""
