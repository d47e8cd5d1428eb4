"Small videos made for the tests, and their frames and sound."

import struct
from fractions import Fraction

import av
import numpy as np

from faststyle_fastai.video.frames import SCALER
from faststyle_fastai.video.reader import open_video

NTSC = Fraction(30000, 1001)


def moving(n, size=(64, 48)):
    "A bright square that moves over a gradient."
    for i in range(n):
        picture = np.zeros((size[1], size[0], 3), np.uint8)
        picture[..., 0] = np.linspace(40, 200, size[0])
        picture[..., 2] = np.linspace(30, 120, size[1])[:, None]
        at = 4 + i % max(1, size[0] - 24)
        picture[10:26, at : at + 16] = 250, 220, 40
        yield picture


def encode(
    path, pictures, times=None, rate=NTSC, sound=0, codec="libx264", pix_fmt="yuv420p", **tags
):
    "Encode images at `times`, in frames, with `sound` seconds of a tone."
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        if sound:
            tone = container.add_stream("aac", rate=44_100, layout="mono")
        for name, value in tags.items():
            setattr(stream.codec_context, name, value)
        for i, picture in enumerate(pictures):
            if not i:
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = pix_fmt
                stream.codec_context.time_base = 1 / Fraction(rate)
            frame = av.VideoFrame.from_ndarray(
                picture, "rgb24" if picture.dtype == np.uint8 else "rgb48le"
            )
            frame = frame.reformat(
                format=pix_fmt,
                dst_colorspace=tags.get("colorspace"),
                src_color_range=2,
                dst_color_range=tags.get("color_range"),
                interpolation=SCALER,
            )
            frame.time_base, frame.pts = 1 / Fraction(rate), i if times is None else times[i]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if sound:
            wave = np.sin(np.arange(int(sound * 44_100)) / 20).astype(np.float32)[None]
            piece = av.AudioFrame.from_ndarray(wave, "fltp", "mono")
            piece.sample_rate, piece.pts, piece.time_base = 44_100, 0, Fraction(1, 44_100)
            container.mux(tone.encode(piece))
            container.mux(tone.encode())
    return path


def turn(film, matrix):
    "Write a display matrix into an .mp4, in 16.16 and 2.30 fixed point."
    data = bytearray(film.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (value << 16 for value in matrix)
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    film.write_bytes(data)


def remuxed(source, out, prepare):
    "Copy a film, packet by packet, after `prepare` has changed what the new file says."
    with av.open(str(source)) as film, av.open(str(out), "w") as copy:
        streams = [copy.add_stream_from_template(stream) for stream in film.streams]
        prepare(copy)
        for packet in film.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                copy.mux(packet)
    return out


def stop_at(seconds):
    "What watches a painting and interrupts it behind that second."

    def watch(reached, total):
        if reached > seconds:
            raise KeyboardInterrupt

    return watch


def seen(path):
    with open_video(path) as film:
        return list(film.frames())


def times(path):
    return [frame.time for frame in seen(path)]


def sound_of(path):
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def seconds_of_sound(path):
    with av.open(str(path)) as container:
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


def length_of(path):
    "When the last picture ends, as the file says."
    with av.open(str(path)) as container:
        return container.duration / 1e6


def frames_of(path):
    with av.open(str(path)) as container:
        return [(float(f.time), f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]
