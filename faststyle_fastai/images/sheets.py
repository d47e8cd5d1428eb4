"Contact sheets: several images combined into one."

from PIL import Image, ImageDraw, ImageFont

__all__ = ["contact_sheet", "labeled", "side_by_side"]


def side_by_side(
    images: list[Image.Image],  # from left to right
    height: int | None = None,  # px of each; None: the height of the first
    gap: int = 8,  # px of white between images
) -> Image.Image:
    "Images in a row, all at the same height."
    height = height or images[0].height
    images = [im.resize((max(1, round(im.width * height / im.height)), height)) for im in images]
    width = sum(im.width for im in images) + gap * (len(images) - 1)
    row, left = Image.new("RGB", (width, height), "white"), 0
    for im in images:
        row.paste(im, (left, 0))
        left += im.width + gap
    return row


def contact_sheet(
    sheet: list[list[Image.Image]],  # one row per photo
    gap: int = 8,  # px
) -> Image.Image:
    "Rows of images, one below the other."
    rows = [side_by_side(row, gap=gap) for row in sheet]
    width = max(row.width for row in rows)
    height = sum(row.height for row in rows) + gap * (len(rows) - 1)
    page, top = Image.new("RGB", (width, height), "white"), 0
    for row in rows:
        page.paste(row, (0, top))
        top += row.height + gap
    return page


def labeled(
    image: Image.Image,
    text: str,  # a long one gets small
) -> Image.Image:  # RGB, a tenth of its width higher
    "An image with a line of text below it."
    width, height = image.size
    cell = Image.new("RGB", (width, height + width // 10), "white")
    cell.paste(image)
    font = ImageFont.load_default(max(1, width / 14))
    font = ImageFont.load_default(max(1, width / 14 * min(1, width / max(1, font.getlength(text)))))
    ImageDraw.Draw(cell).text((width / 2, height + width / 20), text, "black", font, anchor="mm")
    return cell
