"What a video holds besides its pictures: sound, subtitles, chapters, titles."

import math
import warnings
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from io import BytesIO
from typing import Any

from ..core.extras import extra
from .reader import JUMP

__all__ = ["add_tracks", "held_tracks", "titles", "track_packets", "within"]

# Codecs for sound that a file type cannot hold, in order of preference.
ENCODED = ("aac", "AAC"), ("libopus", "Opus"), ("mp2", "MP2"), ("libmp3lame", "MP3")
TEXTS = ("subrip", "SubRip"), ("mov_text", "MP4 text"), ("webvtt", "WebVTT")  # likewise
SURROUND = "3.0", "quad", "5.0", "5.1", "6.1", "7.1"  # that AAC and Opus encode
AS_DATA = "mpegts", "mpeg"  # containers that take PCM and texts for data
RESET = 1  # s that times jump back where a clock began anew
PRIMED = 0.1  # s of sound before the start that decoders need, and do not play
# Of a container or a stream; the rest describes the file that is replaced.
TITLES = (
    "title", "artist", "album", "date", "creation_time", "comment", "description", "genre",
    "copyright", "location", "language", "name",
)  # fmt: skip


def held_tracks(
    sounds: list,  # streams of the source
    subtitles: list,
    out: Any,  # the file's name, for messages
    kind: str,  # FFmpeg's name of the container
) -> dict[int, str | None]:  # index of a stream -> the codec it gets; None: it is copied
    "What the file type can hold, and how; a warning tells of the rest."
    held: dict[int, str | None] = {}
    for stream in (*sounds, *subtitles):
        own, text, said = stream.codec_context, stream.type == "subtitle", ""
        others: tuple = ENCODED if not text else TEXTS if own.codec.text_sub else ()  # pictures
        found = next((each for each in ((None, ""), *others) if holds(kind, stream, each[0])), None)
        if found:
            codec, name = found
            held[stream.index] = codec
            if codec:
                becomes = "subtitles. They become" if text else "sound. It becomes"
                fewer = not text and stream.channels > 2 and layout_for(stream, codec) == "stereo"
                said = f"{own.name} {becomes} {name}{' in stereo' * fewer}."
        else:
            hint = " Use .mkv to keep them." if text and holds("matroska", stream) else ""
            lost = f"the {own.name} subtitles, which are lost.{hint}"
            said = lost if text else "sound. It is left out."
        if said:
            warnings.warn(f"{out} cannot hold {said}", stacklevel=2)
    return held


def holds(kind, stream, codec=None) -> bool:
    "Whether a container can hold a stream, copied or encoded."
    av = extra("av", "video")
    if not codec and stream.type == "audio" and stream.codec_context.name.startswith("pcm_"):
        if kind in AS_DATA or "channels" in stream.layout.name:  # where a header is written, only
            return False
    if kind in AS_DATA and stream.type == "subtitle" and stream.codec_context.codec.text_sub:
        return False
    try:
        with av.open(BytesIO(), "w", format=kind) as trial:
            add_track(trial, stream, codec)
            trial.start_encoding()
    except (av.FFmpegError, ValueError):
        return False
    return True


def add_tracks(
    joined: Any,  # av.container.OutputContainer
    source: Any,  # av.container.InputContainer
    held: dict[int, str | None],  # see `held_tracks`
) -> dict:  # index in the source -> stream of the output, and whether it is encoded
    "Add streams for what is held, with their titles, and the titles of the whole."
    joined.metadata.update(titles(source.metadata))
    return {
        index: (add_track(joined, source.streams[index], codec), bool(codec))
        for index, codec in held.items()
    }


def add_track(container, stream, codec):
    "Add a stream to a container, to copy or to encode another."
    if codec and stream.type == "subtitle":
        track = container.add_stream(codec)
        stream.codec_context.open(strict=False)  # for the header, which the encoder needs
        track.codec_context.subtitle_header = stream.codec_context.subtitle_header
    elif codec:
        track = container.add_stream(codec, rate=48_000 if codec == "libopus" else stream.rate)
        track.layout = layout_for(stream, codec)
    else:
        track = container.add_stream_from_template(stream, opaque=True)
    track.metadata.update(titles(stream.metadata))
    track.disposition = stream.disposition
    return track


def layout_for(stream, codec):
    "The layout of a stream's channels in another codec."
    if stream.channels == 1:
        return "mono"
    own = stream.layout.name.removesuffix("(side)")
    return own if own in SURROUND and codec in ("aac", "libopus") else "stereo"


def titles(metadata):
    kept = {key: metadata[key] for key in TITLES if key in metadata}
    if "name" in kept:  # of a track, as QuickTime calls its title
        kept.setdefault("title", kept["name"])
    return kept


def track_packets(
    source: Any,  # av.container.InputContainer
    tracks: dict,  # see `add_tracks`
    origin: Fraction,  # time stamp in seconds that becomes 0
    start: float,  # seconds
    end: float | None,
) -> Iterator[Any]:  # av.Packet
    "The packets of the time range, copied or encoded, as far as the file can be read."
    if not tracks:
        return
    av = extra("av", "video")
    last: dict[int, int] = {}  # index of a stream -> its last decoding time
    shifts: dict[int, tuple[int, int]] = {}  # index of a sound -> see `on_one_clock`
    length = math.inf if end is None else end - start

    def inside(time):
        return (time >= 0 or not start) and time < length

    with suppress(av.FFmpegError):
        for packet in source.demux([source.streams[index] for index in tracks]):
            index = packet.stream.index
            stream, encodes = tracks[index]
            before = last.get(index, -math.inf)  # several subtitles may begin at one time
            if packet.dts is not None and stream.type == "audio":
                shifts[index] = on_one_clock(packet, before, *shifts.get(index, (0, 0)))
            if packet.dts is None or packet.dts < before + (stream.type != "subtitle"):  # damaged
                continue
            last[index] = packet.dts
            if encodes and stream.type == "audio":
                yield from encoded(av, packet, stream, origin, inside)
                continue
            pts = packet.dts if packet.pts is None else packet.pts
            cut = packet.is_discard and pts * packet.time_base < origin - PRIMED  # by an edit list
            if cut or not inside(pts * packet.time_base - origin):
                continue
            shift = round(origin / packet.time_base)
            packet.pts, packet.dts = pts - shift, packet.dts - shift
            if packet := as_text(av, packet, stream) if encodes else packet:
                packet.stream = stream
                yield packet
    for stream, encodes in tracks.values():
        if encodes and stream.type == "audio":
            yield from stream.encode()


def on_one_clock(packet, before, shift, earlier):
    """Let a packet of sound follow the one before it, where its times began anew.

    Returns what is added to its times, and what was before they began anew.
    """
    if before < packet.dts + earlier < packet.dts + shift:
        shift = earlier  # they did not: some are damaged
    gap = (packet.dts + shift - before) * packet.time_base
    if math.isfinite(before) and not -RESET < gap < JUMP:  # as pictures, see reader.VideoReader
        shift, earlier = before + (packet.duration or 1) - packet.dts, shift
    packet.dts += shift
    if packet.pts is not None:
        packet.pts += shift
    return shift, earlier


def encoded(av, packet, stream, origin, inside):
    "A packet of sound in another codec; nothing of one that is damaged."
    with suppress(av.FFmpegError):
        for frame in packet.decode():
            if frame.pts is not None and inside(frame.pts * frame.time_base - origin):
                frame.pts -= round(origin / frame.time_base)
                yield from stream.encode(frame)


def as_text(av, packet, stream):
    "A packet of subtitles in another codec; None if it shows nothing or is damaged."
    with suppress(av.FFmpegError, UnicodeDecodeError):
        if shown := packet.stream.codec_context.decode2(packet):
            text = stream.codec_context.encode_subtitle(shown)
            text.pts, text.dts, text.duration = packet.pts, packet.dts, packet.duration
            text.time_base = packet.time_base
            return text if text.size else None  # such as a drawing; no others would follow it
    return None


def within(chapters, start, end):
    "The chapters of a time range, from its start on."
    kept = []
    for chapter in chapters:
        unit = chapter["time_base"]
        last = math.inf if end is None else (end - start) / unit
        begins, ends = (chapter[at] - round(start / unit) for at in ("start", "end"))
        if ends > 0 and begins < last:
            kept.append({**chapter, "start": max(0, begins), "end": round(min(ends, last))})
    return kept
