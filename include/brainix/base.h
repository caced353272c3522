/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * brainix/base.h -- what every part of BraiNIX may rely on.  Layer 0: a header, no code to link.
 *
 * Needs the compiler's freestanding headers only.  Two things come from outside:
 *   memcpy memmove memset memcmp   which a compiler may call on its own, and
 *   bx_panic                       which the final program supplies (a kernel stops the machine,
 *                                  a server exits, a Linux program aborts).
 *
 * Rules for all public BraiNIX functions:
 *   - argument order: object, inputs, outputs; a length follows its buffer; flags last;
 *   - a function that can fail returns enum bx_err; its outputs are untouched on error unless
 *     the contract says otherwise; lengths and values go through out-parameters;
 *   - data from a user, a wire or a disk is never asserted, it is checked and refused;
 *   - no function allocates, blocks, prints, reads a clock or keeps state outside its arguments.
 */
#ifndef BRAINIX_BASE_H
#define BRAINIX_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Every error of the tree: name, value, meaning.  One meaning each; 0 is success, the rest negative.
 * Values are part of the kernel's binary interface: they are added to, never changed.
 *   -1..-31 general   -32.. capabilities   -64.. IPC   -96.. kernel core   -128.. network
 *   -160.. file system   -192.. trust
 */
#define BX_ERR_LIST(X) \
	X(BX_OK,		   0, "success") \
	X(BX_ERR_INVALID,	  -1, "an argument is outside its documented domain") \
	X(BX_ERR_RANGE,		  -2, "an index, offset or length is out of range") \
	X(BX_ERR_ALIGN,		  -3, "an address or size is not aligned as required") \
	X(BX_ERR_OVERFLOW,	  -4, "the result does not fit") \
	X(BX_ERR_NO_MEMORY,	  -5, "a fixed-size pool is exhausted") \
	X(BX_ERR_QUOTA,		  -6, "the quota of the domain is used up") \
	X(BX_ERR_EXISTS,	  -7, "the place is already taken") \
	X(BX_ERR_NOT_FOUND,	  -8, "there is no such thing") \
	X(BX_ERR_STATE,		  -9, "not possible in the present state") \
	X(BX_ERR_BUSY,		 -10, "in use by another; try again") \
	X(BX_ERR_AGAIN,		 -11, "one bounded step is done, more remain: call again") \
	X(BX_ERR_TIMEOUT,	 -12, "the deadline has passed") \
	X(BX_ERR_UNSUPPORTED,	 -13, "this build or machine cannot do it") \
	X(BX_ERR_FORMAT,	 -14, "input does not follow its format") \
	X(BX_ERR_VERSION,	 -15, "input is of a version that is not understood") \
	X(BX_ERR_TRUNCATED,	 -16, "input ends before what it announces") \
	X(BX_ERR_IO,		 -17, "a device reported a failure") \
	X(BX_ERR_CORRUPT,	 -18, "stored data does not match its checksum or its invariants") \
	X(BX_ERR_SYSCALL,	 -19, "there is no system call of that number") \
	X(BX_ERR_ADDRESS,	 -20, "a user address is not mapped as the access needs") \
	X(BX_ERR_CANCELLED,	 -21, "the operation was cancelled by another thread") \
	X(BX_ERR_CAP_EMPTY,	 -32, "the slot holds no capability") \
	X(BX_ERR_CAP_TYPE,	 -33, "the capability is of another type") \
	X(BX_ERR_CAP_RIGHTS,	 -34, "the capability lacks a right") \
	X(BX_ERR_CAP_STALE,	 -35, "the object that the capability named is gone") \
	X(BX_ERR_CAP_USED_UP,	 -36, "the capability has no uses left") \
	X(BX_ERR_CAP_EXPIRED,	 -37, "the capability has expired") \
	X(BX_ERR_CAP_SEALED,	 -38, "the capability space is sealed") \
	X(BX_ERR_CAP_DEPTH,	 -39, "the derivation would be too deep") \
	X(BX_ERR_CAP_BADGE,	 -40, "the capability is badged already") \
	X(BX_ERR_CAP_OCCUPIED,	 -41, "the destination slot holds a capability") \
	X(BX_ERR_CAP_SLOT,	 -42, "the slot index is outside the capability space") \
	X(BX_ERR_CAP_NOT_CHILD,	 -43, "the capability does not descend from the other") \
	X(BX_ERR_WOULD_DEADLOCK, -64, "the call would close a cycle of waiting threads") \
	X(BX_ERR_PEER_DIED,	 -65, "the partner ended before the exchange was complete") \
	X(BX_ERR_MSG_TOO_LONG,	 -66, "the byte string does not fit the receiver's buffer") \
	X(BX_ERR_MSG_TYPE,	 -67, "a message field is of another type than expected") \
	X(BX_ERR_MSG_EXTRA,	 -68, "a message holds more than its format allows") \
	X(BX_ERR_WOULD_BLOCK,	 -69, "no partner is ready and the deadline is zero") \
	X(BX_ERR_WX,		 -96, "the mapping would be writable and executable") \
	X(BX_ERR_MAPPED,	 -97, "the frame is mapped already") \
	X(BX_ERR_NOT_MAPPED,	 -98, "nothing is mapped there") \
	X(BX_ERR_NET_REFUSED,	-128, "the peer refuses the connection") \
	X(BX_ERR_NET_RESET,	-129, "the peer broke the connection off") \
	X(BX_ERR_NET_UNREACHABLE, -130, "there is no way to that address") \
	X(BX_ERR_NET_CLOSED,	-131, "the peer has sent all that it will send") \
	X(BX_ERR_FS_FULL,	-160, "the volume has no free blocks left") \
	X(BX_ERR_FS_NOT_DIR,	-161, "not a directory") \
	X(BX_ERR_FS_IS_DIR,	-162, "a directory, where none may be") \
	X(BX_ERR_FS_NOT_EMPTY,	-163, "the directory is not empty") \
	X(BX_ERR_FS_NAME,	-164, "not a valid file name") \
	X(BX_ERR_FS_READ_ONLY,	-165, "the volume is mounted read-only or sealed") \
	X(BX_ERR_FS_FAILED,	-166, "an earlier failure ended all writing; mount again") \
	X(BX_ERR_FS_LOOP,	-167, "a directory would become its own descendant")

enum bx_err {
#define BX_ERR_ENUMERATOR(name, value, text) name = value,
	BX_ERR_LIST(BX_ERR_ENUMERATOR)
#undef BX_ERR_ENUMERATOR
};

/* The name of an error ("BX_ERR_INVALID"), or "BX_ERR_?" for a value that is none. */
static inline const char *
bx_err_name(enum bx_err err)
{
	switch (err) {
#define BX_ERR_CASE(name, value, text) case name: return #name;
	BX_ERR_LIST(BX_ERR_CASE)
#undef BX_ERR_CASE
	}
	return "BX_ERR_?";
}

/* One line in plain English for people. */
static inline const char *
bx_err_text(enum bx_err err)
{
	switch (err) {
#define BX_ERR_CASE(name, value, text) case name: return text;
	BX_ERR_LIST(BX_ERR_CASE)
#undef BX_ERR_CASE
	}
	return "unknown error";
}

#define BX_MUST_USE		__attribute__((warn_unused_result))
#define BX_NORETURN		__attribute__((noreturn))
#define BX_PRINTF(fmt, first)	__attribute__((format(printf, fmt, first)))
#define BX_EXPORT		__attribute__((visibility("default")))
#define BX_STATIC_ASSERT(condition, message) _Static_assert(condition, message)
/* Called by name only, so it begins without the mark that an indirect branch must find (CET). */
#ifdef __CET__
#define BX_DIRECT		__attribute__((nocf_check))
#else
#define BX_DIRECT
#endif
#define BX_LIKELY(condition)	__builtin_expect(!!(condition), 1)
#define BX_UNLIKELY(condition)	__builtin_expect(!!(condition), 0)
#define BX_ARRAY_COUNT(array)	(sizeof(array) / sizeof((array)[0]))

/*
 * Ends the program.  Supplied by the final program, never by a library; called for a caller's
 * mistake or a broken invariant, never for bad input.
 *   where  "file:line", static storage     what  the condition that did not hold, static storage
 */
/*@ requires never: \false;		// the provers have to show that it is not called
  @ assigns \nothing; */
BX_NORETURN void bx_panic(const char *where, const char *what);

#define BX_STRING_OF_(token)	#token
#define BX_STRING_OF(token)	BX_STRING_OF_(token)
#define BX_WHERE		__FILE__ ":" BX_STRING_OF(__LINE__)

/* A caller's mistake: checked in every build. */
#define BX_ASSERT(condition) \
	((condition) ? (void)0 : bx_panic(BX_WHERE, #condition))

/* A whole-structure check: only in BX_VERIFY builds, which the test suite runs beside the others. */
#ifdef BX_VERIFY
#define BX_INVARIANT(condition) BX_ASSERT(condition)
#else
#define BX_INVARIANT(condition) ((void)sizeof(condition))
#endif

/* Byte order.  Wire and disk fields are uint8_t arrays: no casts, no alignment or packing traps.
 * Compilers turn each of these into one load or store.  Sums of products, not shifts of ors:
 * provers follow them. */
/*@ requires \valid_read(b + (0 .. 1));
  @ assigns \nothing;
  @ ensures \result == b[0] + 256 * b[1]; */
static inline uint16_t
bx_get_le16(const uint8_t b[2])
{
	return (uint16_t)(b[0] + 256u * b[1]);
}

/*@ requires \valid_read(b + (0 .. 3));
  @ assigns \nothing; */
static inline uint32_t
bx_get_le32(const uint8_t b[4])
{
	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/*@ requires \valid_read(b + (0 .. 7));
  @ assigns \nothing; */
static inline uint64_t
bx_get_le64(const uint8_t b[8])
{
	return (uint64_t)bx_get_le32(b) | (uint64_t)bx_get_le32(b + 4) << 32;
}

/*@ requires \valid_read(b + (0 .. 1));
  @ assigns \nothing;
  @ ensures \result == 256 * b[0] + b[1]; */
static inline uint16_t
bx_get_be16(const uint8_t b[2])
{
	return (uint16_t)(256u * b[0] + b[1]);
}

/*@ requires \valid_read(b + (0 .. 3));
  @ assigns \nothing; */
static inline uint32_t
bx_get_be32(const uint8_t b[4])
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | (uint32_t)b[3];
}

/*@ requires \valid_read(b + (0 .. 7));
  @ assigns \nothing; */
static inline uint64_t
bx_get_be64(const uint8_t b[8])
{
	return (uint64_t)bx_get_be32(b) << 32 | (uint64_t)bx_get_be32(b + 4);
}

/*@ requires \valid(b + (0 .. 1));
  @ assigns b[0 .. 1]; */
static inline void
bx_put_le16(uint8_t b[2], uint16_t v)
{
	b[0] = (uint8_t)v;
	b[1] = (uint8_t)(v >> 8);
}

/*@ requires \valid(b + (0 .. 3));
  @ assigns b[0 .. 3]; */
static inline void
bx_put_le32(uint8_t b[4], uint32_t v)
{
	b[0] = (uint8_t)v;
	b[1] = (uint8_t)(v >> 8);
	b[2] = (uint8_t)(v >> 16);
	b[3] = (uint8_t)(v >> 24);
}

/*@ requires \valid(b + (0 .. 7));
  @ assigns b[0 .. 7]; */
static inline void
bx_put_le64(uint8_t b[8], uint64_t v)
{
	bx_put_le32(b, (uint32_t)v);
	bx_put_le32(b + 4, (uint32_t)(v >> 32));
}

/*@ requires \valid(b + (0 .. 1));
  @ assigns b[0 .. 1]; */
static inline void
bx_put_be16(uint8_t b[2], uint16_t v)
{
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

/*@ requires \valid(b + (0 .. 3));
  @ assigns b[0 .. 3]; */
static inline void
bx_put_be32(uint8_t b[4], uint32_t v)
{
	b[0] = (uint8_t)(v >> 24);
	b[1] = (uint8_t)(v >> 16);
	b[2] = (uint8_t)(v >> 8);
	b[3] = (uint8_t)v;
}

/*@ requires \valid(b + (0 .. 7));
  @ assigns b[0 .. 7]; */
static inline void
bx_put_be64(uint8_t b[8], uint64_t v)
{
	bx_put_be32(b, (uint32_t)(v >> 32));
	bx_put_be32(b + 4, (uint32_t)v);
}

/* `align` is a power of two.  bx_align_up wraps to 0 when the result does not fit: check first
 * where v may come from outside. */
static inline uint64_t
bx_align_down(uint64_t v, uint64_t align)
{
	return v & ~(align - 1);
}

static inline uint64_t
bx_align_up(uint64_t v, uint64_t align)
{
	return (v + (align - 1)) & ~(align - 1);
}

static inline bool
bx_is_aligned(uint64_t v, uint64_t align)
{
	return (v & (align - 1)) == 0;
}

/* Whether [offset, offset + length) lies inside [0, limit).  Never wraps. */
/*@ assigns \nothing;
  @ ensures \result == (offset + length <= limit ? 1 : 0); */
static inline bool
bx_range_fits(uint64_t offset, uint64_t length, uint64_t limit)
{
	return offset <= limit && length <= limit - offset;
}

#endif
