// A report within a cell of a notebook: a frame of its own, so that neither's style or keys reach the other.
function render({ model, el }) {
  const frame = document.createElement('iframe')
  let address = ''
  frame.title = model.get('title')
  // Nothing of the notebook is the page's: no cookies, no store, no way to the document around it.
  frame.sandbox = 'allow-scripts allow-downloads allow-modals'
  frame.style.cssText = 'display:block;width:100%;border:0;border-radius:8px'
  // An address of its own, not srcdoc: the viewer writes what is shown behind the address's #.
  const load = () => {
    URL.revokeObjectURL(address)
    address = URL.createObjectURL(new Blob([model.get('page')], { type: 'text/html' }))
    frame.src = address
  }
  const stretch = () => (frame.style.height = `${model.get('height')}px`)
  model.on('change:page', load)
  model.on('change:height', stretch)
  load()
  stretch()
  el.append(frame)
  return () => {
    model.off('change:page', load)
    model.off('change:height', stretch)
    URL.revokeObjectURL(address)
  }
}

export default { render }
