/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * text.c -- text for people, made in bounded memory.  Pure.
 */
#include <brainix/sys.h>

void
bx_text_init(struct bx_text *text, char *bytes, size_t capacity)
{
	BX_ASSERT(capacity > 0);

	*text = (struct bx_text){ .bytes = bytes, .capacity = capacity };
	bytes[0] = '\0';
}

static void
add_char(struct bx_text *text, char c)
{
	if (text->length >= text->capacity - 1) {
		text->cut = true;
		return;
	}
	text->bytes[text->length++] = c;
	text->bytes[text->length] = '\0';
}

void
bx_text_add_bytes(struct bx_text *text, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length && !text->cut; i++)
		add_char(text, bytes[i]);
}

static void
add_padding(struct bx_text *text, char c, size_t count)
{
	for (size_t i = 0; i < count && !text->cut; i++)
		add_char(text, c);
}

/* One conversion, taken apart. */
struct conversion {
	bool left, zero, has_precision;
	size_t width, precision;
	unsigned longs;				/* l ll z: 1, 2, 1 */
	char letter;
};

static void
add_field(struct bx_text *text, const struct conversion *how, const char *sign, const char *digits,
    size_t length)
{
	size_t sign_length = sign[0] != '\0';
	size_t padding = how->width > length + sign_length ? how->width - length - sign_length : 0;

	if (!how->left && !how->zero)
		add_padding(text, ' ', padding);
	bx_text_add_bytes(text, sign, sign_length);
	if (!how->left && how->zero)
		add_padding(text, '0', padding);
	bx_text_add_bytes(text, digits, length);
	if (how->left)
		add_padding(text, ' ', padding);
}

static void
add_number(struct bx_text *text, const struct conversion *how, const char *sign, uint64_t value,
    unsigned base)
{
	char digits[20];			/* 2^64 - 1 has 20 */
	size_t at = sizeof digits;

	do {
		digits[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	add_field(text, how, sign, digits + at, sizeof digits - at);
}

static void
add_string(struct bx_text *text, struct conversion *how, const char *string)
{
	size_t length = 0;

	while ((!how->has_precision || length < how->precision) && string[length] != '\0')
		length++;
	how->zero = false;
	add_field(text, how, "", string, length);
}

/* A width or precision: digits, at most 9999. */
static const char *
parse_count(const char *format, size_t *count)
{
	for (*count = 0; *format >= '0' && *format <= '9'; format++)
		if (*count < 1000)
			*count = *count * 10 + (size_t)(*format - '0');
	return format;
}

void
bx_text_add(struct bx_text *text, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	bx_text_add_list(text, format, list);
	va_end(list);
}

void
bx_text_add_list(struct bx_text *text, const char *format, va_list list)
{
	while (*format != '\0') {
		const char *begin = format;
		struct conversion how = { 0 };
		int64_t number;
		char c;

		if (*format++ != '%') {
			add_char(text, *begin);
			continue;
		}
		for (; *format == '-' || *format == '0'; format++) {
			how.left |= *format == '-';
			how.zero |= *format == '0';
		}
		if (*format == '*') {
			int width = va_arg(list, int);

			how.left |= width < 0;
			how.width = (size_t)(width < 0 ? -(int64_t)width : width);
			format++;
		} else {
			format = parse_count(format, &how.width);
		}
		if (*format == '.') {
			how.has_precision = true;
			if (format[1] == '*') {
				int precision = va_arg(list, int);

				how.precision = (size_t)(precision < 0 ? 0 : precision);
				format += 2;
			} else {
				format = parse_count(format + 1, &how.precision);
			}
		}
		for (; *format == 'l' || *format == 'z'; format++)
			how.longs++;
		how.letter = *format;
		switch (how.letter) {
		case 's':
			add_string(text, &how, va_arg(list, const char *));
			break;
		case 'c':
			c = (char)va_arg(list, int);
			how.zero = false;
			add_field(text, &how, "", &c, 1);
			break;
		case 'd':
		case 'i':
			number = how.longs != 0 ? va_arg(list, int64_t) : va_arg(list, int);
			add_number(text, &how, number < 0 ? "-" : "",
			    number < 0 ? 0 - (uint64_t)number : (uint64_t)number, 10);
			break;
		case 'u':
		case 'x':
			add_number(text, &how, "", how.longs != 0 ? va_arg(list, uint64_t) :
			    va_arg(list, unsigned), how.letter == 'u' ? 10 : 16);
			break;
		case '%':
			add_char(text, '%');
			break;
		default:			/* not a conversion: show it, and what follows */
			bx_text_add_bytes(text, begin, (size_t)(format - begin));
			continue;
		}
		format++;
	}
}

size_t
bx_sys_format(char *bytes, size_t size, const char *format, ...)
{
	struct bx_text text;
	va_list list;

	bx_text_init(&text, bytes, size);
	va_start(list, format);
	bx_text_add_list(&text, format, list);
	va_end(list);
	return text.length;
}
