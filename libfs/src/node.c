/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * node.c -- one tree block: a header, offsets in key order, items in a heap that grows down
 * (SPEC.md 5).  Works on bytes that bx_fsi_node_check() accepted, or that it made itself.
 */
#include "fs-internal.h"

#define HEAP		24
#define GARBAGE		26

/*@ requires index <= 65535;
  @ requires \valid_read(node + (32 + 2 * index .. 33 + 2 * index));
  @ assigns \nothing;
  @ ensures \result == node[32 + 2 * index] + 256 * node[33 + 2 * index]; */
static unsigned
item_offset(const uint8_t *node, unsigned index)
{
	return bx_get_le16(node + FS_NODE_HEAD + 2 * index);
}

static void
set_count(uint8_t *node, unsigned count)
{
	bx_put_le16(node + 6, (uint16_t)count);
}

void
bx_fsi_node_init(uint8_t *node, unsigned level, uint64_t address, uint64_t generation)
{
	memset(node, 0, BX_FS_BLOCK);
	bx_put_le32(node, FS_MAGIC_NODE);
	node[5] = (uint8_t)level;
	bx_put_le64(node + 8, address);
	bx_put_le64(node + 16, generation);
	bx_put_le16(node + HEAP, BX_FS_BLOCK);
}

const uint8_t *
bx_fsi_node_key(const uint8_t *node, unsigned index, unsigned *length)
{
	const uint8_t *item = node + item_offset(node, index);

	*length = bx_get_le16(item);
	return item + 4;
}

const uint8_t *
bx_fsi_node_value(const uint8_t *node, unsigned index, unsigned *length)
{
	const uint8_t *item = node + item_offset(node, index);

	*length = bx_get_le16(item + 2);
	return item + 4 + bx_get_le16(item);
}

void
bx_fsi_node_copy_key(const uint8_t *node, unsigned index, struct fs_key *key)
{
	unsigned length;
	const uint8_t *bytes = bx_fsi_node_key(node, index, &length);

	memcpy(key->bytes, bytes, length);
	key->length = (uint16_t)length;
}

int
bx_fsi_key_compare(const uint8_t *a, size_t a_length, const uint8_t *b, size_t b_length)
{
	size_t common = a_length < b_length ? a_length : b_length;
	int order = memcmp(a, b, common);

	if (order != 0)
		return order;
	return (a_length > b_length) - (a_length < b_length);
}

/* As bx_fsi_key_compare(), with the inode numbers that nearly all keys begin with
 * compared at once. */
/*@ requires \valid_read(a + (0 .. a_length - 1));
  @ requires \valid_read(b + (0 .. b_length - 1));
  @ assigns \nothing; */
static inline int
compare(const uint8_t *a, unsigned a_length, const uint8_t *b, unsigned b_length)
{
	uint64_t a_start, b_start;

	if (a_length < 8 || b_length < 8)
		return bx_fsi_key_compare(a, a_length, b, b_length);
	a_start = bx_get_be64(a);
	b_start = bx_get_be64(b);
	if (a_start != b_start)
		return a_start < b_start ? -1 : 1;
	return bx_fsi_key_compare(a + 8, a_length - 8, b + 8, b_length - 8);
}

/* Everything that the functions below rely on; a block from the device may say anything. */
enum bx_err
bx_fsi_node_check(const uint8_t *node, unsigned level, uint64_t address, uint64_t generation,
    uint32_t sum_bytes)
{
	unsigned count = bx_fsi_node_count(node);
	unsigned heap = bx_get_le16(node + HEAP);
	unsigned used = bx_get_le16(node + GARBAGE);
	const uint8_t *before = NULL;
	unsigned before_length = 0;

	if (bx_get_le32(node) != FS_MAGIC_NODE || node[4] != 0 || node[5] != level ||
	    bx_get_le64(node + 8) != address || bx_get_le64(node + 16) != generation ||
	    bx_get_le32(node + 28) != 0)
		return BX_ERR_CORRUPT;
	if (heap > BX_FS_BLOCK || FS_NODE_HEAD + 2 * count > heap || (count == 0 && level > 0))
		return BX_ERR_CORRUPT;
	/*@ loop invariant 0 <= i <= count;
	  @ loop invariant before_length <= 264;
	  @ loop invariant i > 0 ==> \valid_read(before + (0 .. before_length - 1));
	  @ loop invariant \forall integer j; 0 <= j < i ==> item_inside(node, j);
	  @ loop assigns i, before, before_length, used;
	  @ loop variant count - i; */
	for (unsigned i = 0; i < count; i++) {
		unsigned offset = item_offset(node, i);
		unsigned key_length, value_length;

		if (offset < heap || offset > BX_FS_BLOCK - 4)
			return BX_ERR_CORRUPT;
		key_length = bx_get_le16(node + offset);
		value_length = bx_get_le16(node + offset + 2);
		if (key_length > FS_KEY_MAX || 4 + key_length + value_length > FS_ITEM_MAX ||
		    4 + key_length + value_length > BX_FS_BLOCK - offset)
			return BX_ERR_CORRUPT;
		if (level > 0 ? value_length != 16 + sum_bytes : key_length < 9)
			return BX_ERR_CORRUPT;
		/* Nothing below is younger: what says that it is of the generation being built would be changed in place. */
		if (level > 0 && bx_get_le64(node + offset + 4 + key_length + 8) > generation)
			return BX_ERR_CORRUPT;
		if (i > 0 && compare(before, before_length, node + offset + 4, key_length) >= 0)
			return BX_ERR_CORRUPT;
		before = node + offset + 4;
		before_length = key_length;
		used += 4 + key_length + value_length;
	}
	return used == BX_FS_BLOCK - heap ? BX_OK : BX_ERR_CORRUPT;
}

bool
bx_fsi_node_disjoint(const uint8_t *node)
{
	uint64_t starts[BX_FS_BLOCK / 64] = { 0 };
	unsigned left = bx_fsi_node_count(node), at = 0;

	for (unsigned i = 0; i < left; i++)
		starts[item_offset(node, i) / 64] |= UINT64_C(1) << item_offset(node, i) % 64;
	/* From one to the next; what begins inside another is passed over. */
	while (at < BX_FS_BLOCK) {
		uint64_t word = starts[at / 64] >> at % 64;

		if (word == 0) {
			at = (at / 64 + 1) * 64;
			continue;
		}
		at += (unsigned)__builtin_ctzll(word);
		at += 4u + bx_get_le16(node + at) + bx_get_le16(node + at + 2);
		left--;
	}
	return left == 0;
}

/* The first item that is not below the key. */
unsigned
bx_fsi_node_lower(const uint8_t *node, const struct fs_key *key, bool *found)
{
	unsigned low = 0, high = bx_fsi_node_count(node);

	*found = false;
	while (low < high) {
		unsigned middle = (low + high) / 2;
		unsigned length;
		const uint8_t *other = bx_fsi_node_key(node, middle, &length);
		int order = compare(other, length, key->bytes, key->length);

		if (order < 0) {
			low = middle + 1;
		} else {
			high = middle;
			*found = *found || order == 0;
		}
	}
	return low;
}

/* The child of an inner node whose range has the key; `strict`: has the keys just below
 * it. */
unsigned
bx_fsi_node_child(const uint8_t *node, const struct fs_key *key, bool strict)
{
	bool found;
	unsigned index = bx_fsi_node_lower(node, key, &found);

	if (found && !strict)
		return index;
	return index > 0 ? index - 1 : 0;
}

/* Bytes for further items and their offsets. */
unsigned
bx_fsi_node_room(const uint8_t *node)
{
	return bx_get_le16(node + HEAP) + bx_get_le16(node + GARBAGE) - FS_NODE_HEAD -
	    2 * bx_fsi_node_count(node);
}

/* Rewrite the items without gaps, in key order from the end. */
static void
compact(uint8_t *node)
{
	uint8_t copy[BX_FS_BLOCK];
	unsigned heap = BX_FS_BLOCK;

	memcpy(copy, node, BX_FS_BLOCK);
	for (unsigned i = 0; i < bx_fsi_node_count(copy); i++) {
		unsigned bytes = bx_fsi_node_item_bytes(copy, i);

		heap -= bytes;
		memcpy(node + heap, copy + item_offset(copy, i), bytes);
		bx_put_le16(node + FS_NODE_HEAD + 2 * i, (uint16_t)heap);
	}
	memset(node + FS_NODE_HEAD + 2 * bx_fsi_node_count(node), 0,
	    heap - FS_NODE_HEAD - 2 * bx_fsi_node_count(node));
	bx_put_le16(node + HEAP, (uint16_t)heap);
	bx_put_le16(node + GARBAGE, 0);
}

void
bx_fsi_node_insert(uint8_t *node, unsigned index, const uint8_t *key, unsigned key_length,
    const uint8_t *value, unsigned value_length)
{
	unsigned count = bx_fsi_node_count(node);
	unsigned bytes = 4 + key_length + value_length;
	unsigned heap;
	uint8_t *slot;

	BX_ASSERT(bx_fsi_node_room(node) >= bytes + 2);
	BX_ASSERT(index <= count);
	if (bx_get_le16(node + HEAP) < FS_NODE_HEAD + 2 * (count + 1) + bytes)
		compact(node);
	heap = bx_get_le16(node + HEAP) - bytes;
	bx_put_le16(node + HEAP, (uint16_t)heap);
	bx_put_le16(node + heap, (uint16_t)key_length);
	bx_put_le16(node + heap + 2, (uint16_t)value_length);
	memcpy(node + heap + 4, key, key_length);
	if (value_length > 0)
		memcpy(node + heap + 4 + key_length, value, value_length);
	slot = node + FS_NODE_HEAD + 2 * index;
	memmove(slot + 2, slot, 2 * (count - index));
	bx_put_le16(slot, (uint16_t)heap);
	set_count(node, count + 1);
}

void
bx_fsi_node_remove(uint8_t *node, unsigned index)
{
	unsigned count = bx_fsi_node_count(node);
	unsigned bytes = bx_fsi_node_item_bytes(node, index);
	unsigned offset = item_offset(node, index);
	uint8_t *slot = node + FS_NODE_HEAD + 2 * index;

	BX_ASSERT(index < count);
	if (offset == bx_get_le16(node + HEAP))
		bx_put_le16(node + HEAP, (uint16_t)(offset + bytes));
	else
		bx_put_le16(node + GARBAGE, (uint16_t)(bx_get_le16(node + GARBAGE) + bytes));
	memmove(slot, slot + 2, 2 * (count - index - 1));
	set_count(node, count - 1);
}

/* Add the items of `from`, from the one at `first` on, behind those of `to`. */
void
bx_fsi_node_append(uint8_t *to, const uint8_t *from, unsigned first)
{
	for (unsigned i = first; i < bx_fsi_node_count(from); i++) {
		unsigned key_length, value_length;
		const uint8_t *key = bx_fsi_node_key(from, i, &key_length);
		const uint8_t *value = bx_fsi_node_value(from, i, &value_length);

		bx_fsi_node_insert(to, bx_fsi_node_count(to), key, key_length, value, value_length);
	}
}

/*
 * Move the upper items of `left` to `right`, an empty node of the same level, so that an
 * item of `item_bytes` fits where it belongs, before item `at`.  Returns how many items
 * stay; *goes_left is where the new one belongs.  The left takes items up to half of all
 * bytes, so that neither side gets more than half and one item: (4,064 + 1,302) / 2 + 1,302
 * <= 4,064.  An item at the very end gets the right node for itself, which keeps nodes full
 * when keys come in order.
 */
unsigned
bx_fsi_node_split(uint8_t *left, uint8_t *right, unsigned at, unsigned item_bytes, bool *goes_left)
{
	unsigned count = bx_fsi_node_count(left);
	unsigned total = item_bytes + 2, sum = 0, stay = 0;

	*goes_left = false;
	if (at == count)
		return count;
	for (unsigned i = 0; i < count; i++)
		total += bx_fsi_node_item_bytes(left, i) + 2;
	while (stay < count && sum < total / 2) {
		if (stay == at && !*goes_left) {
			*goes_left = true;
			sum += item_bytes + 2;
		} else {
			sum += bx_fsi_node_item_bytes(left, stay) + 2;
			stay++;
		}
	}
	if (stay == count)
		stay = count - 1;
	bx_fsi_node_append(right, left, stay);
	set_count(left, stay);
	compact(left);
	return stay;
}
